import sys
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
_, path, _, socket = sys.argv
sys.argv = ["server"]
loader = ExtensionFileLoader("_oxicorn", path)
module = module_from_spec(spec_from_file_location("_oxicorn", path, loader=loader))
sys.modules["_oxicorn"] = module
loader.exec_module(module)
del path, loader
module.main(int(socket))
