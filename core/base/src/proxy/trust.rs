//! What is believed of the header fields of a request, decided once for each request and before the
//! application sees it. Two things: which scheme the client used, and which field names with an
//! underscore get through. A CGI-like application reads `X_User` and `X-User` as one field, so a
//! client that may send the first forges the second that a proxy in front has taken care of.
//!
//! Most requests have neither, so one look over the names is all that they cost: nothing is hashed,
//! compared or copied before a name is of the length of one that counts, or has an underscore.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::app::Scheme;
use crate::config::{Config, FieldPattern, SchemeHeader, Sender, Underscores};
use crate::listener::Peer;

/// What a sender may say about the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is in `forwarded_allow_ips`: a proxy of ours.
    Trusted,
    /// Anybody.
    Stranger,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disbelief {
    /// One field says https and another one does not.
    #[error("contradictory scheme headers")]
    ContradictoryScheme,
    /// `header_map` is `refuse`.
    #[error("header field name with an underscore: {0}")]
    Underscore(HeaderName),
}

/// The settings of this group, made ready to be asked often.
#[derive(Clone, Debug)]
pub struct Trust {
    senders: Vec<Sender>,
    schemes: Vec<SchemeHeader>,
    /// Bit `n`: one of `schemes` has a name of `n` bytes, modulo 64.
    scheme_lengths: u64,
    forwarders: Vec<FieldPattern>,
    underscores: Underscores,
}

/// Whether `senders` has `peer` in it. Who connects over a unix socket was let in by its file's mode,
/// and has no address to be listed.
pub fn lists(senders: &[Sender], peer: &Peer) -> bool {
    let Some(address) = peer.ip() else { return true };
    // A socket that is bound to [::] gets IPv4 clients in IPv6's clothes.
    let address = address.to_canonical();
    senders.iter().any(|sender| sender.includes(address))
}

enum Fate {
    Kept,
    Dropped,
}

impl Trust {
    /// As the settings want it.
    pub fn new(config: &Config) -> Trust {
        let schemes = config.secure_scheme_headers.0.clone();
        Trust {
            senders: config.forwarded_allow_ips.0.clone(),
            scheme_lengths: schemes
                .iter()
                .fold(0, |bits, scheme| bits | length_bit(scheme.name.as_str())),
            schemes,
            forwarders: config.forwarder_headers.0.clone(),
            underscores: config.header_map,
        }
    }

    /// Of the address that has connected.
    pub fn standing(&self, sender: &Peer) -> Standing {
        match lists(&self.senders, sender) {
            true => Standing::Trusted,
            false => Standing::Stranger,
        }
    }

    /// The scheme that the client used, as far as the server knows; takes out of `headers` what the
    /// application is not to see.
    ///
    /// # Errors
    /// The request is to be refused.
    pub fn judge(&self, standing: Standing, headers: &mut HeaderMap) -> Result<Scheme, Disbelief> {
        let lengths = match standing {
            Standing::Trusted => self.scheme_lengths,
            Standing::Stranger => 0,
        };
        let mut scheme = None;
        let mut dropped = 0;
        for name in headers.keys() {
            let text = name.as_str();
            if length_bit(text) & lengths != 0 {
                self.agree(name, headers, &mut scheme)?;
            }
            // Without a branch for each byte: names are short, and hardly any has one.
            if text.bytes().fold(false, |found, byte| found | (byte == b'_'))
                && let Fate::Dropped = self.underscored(standing, name)?
            {
                dropped += 1;
            }
        }
        if dropped > 0 {
            self.drop_underscored(standing, headers);
        }
        Ok(scheme.unwrap_or(Scheme::Http))
    }

    /// What the values of one name say of the scheme must be what was said before.
    fn agree(
        &self,
        name: &HeaderName,
        headers: &HeaderMap,
        scheme: &mut Option<Scheme>,
    ) -> Result<(), Disbelief> {
        if !self.schemes.iter().any(|row| row.name == *name) {
            return Ok(());
        }
        for value in headers.get_all(name) {
            let says = self.says(name, value);
            if *scheme.get_or_insert(says) != says {
                return Err(Disbelief::ContradictoryScheme);
            }
        }
        Ok(())
    }

    fn says(&self, name: &HeaderName, value: &HeaderValue) -> Scheme {
        let mut rows = self.schemes.iter();
        match rows.any(|row| row.name == *name && row.value.as_bytes() == value.as_bytes()) {
            true => Scheme::Https,
            false => Scheme::Http,
        }
    }

    fn underscored(&self, standing: Standing, name: &HeaderName) -> Result<Fate, Disbelief> {
        let permitted = standing == Standing::Trusted
            && self.forwarders.iter().any(|pattern| pattern.matches(name));
        match self.underscores {
            _ if permitted => Ok(Fate::Kept),
            Underscores::Dangerous => Ok(Fate::Kept),
            Underscores::Drop => Ok(Fate::Dropped),
            Underscores::Refuse => Err(Disbelief::Underscore(name.clone())),
        }
    }

    /// Builds the map anew: to take something out of it would change the order of the rest.
    fn drop_underscored(&self, standing: Standing, headers: &mut HeaderMap) {
        let mut kept = HeaderMap::new();
        for (name, value) in &*headers {
            let plain = !name.as_str().contains('_');
            if plain || matches!(self.underscored(standing, name), Ok(Fate::Kept)) {
                // It cannot be full: it holds less than the map that it is made from.
                let _ = kept.try_append(name.clone(), value.clone());
            }
        }
        *headers = kept;
    }
}

fn length_bit(name: &str) -> u64 {
    1 << (name.len() % 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Given, Origin, Raw, find};

    fn trust(pairs: &[(&str, &str)]) -> Trust {
        let given = pairs.iter().map(|(name, text)| Given {
            setting: find(name).unwrap(),
            raw: Raw::One((*text).to_owned()),
            origin: Origin::CommandLine,
        });
        Trust::new(&Config::resolve(given).unwrap())
    }

    fn map(fields: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            let name: HeaderName = name.parse().unwrap();
            map.append(name, value.parse().unwrap());
        }
        map
    }

    fn tcp(address: &str) -> Peer {
        Peer::Tcp((address.parse::<std::net::IpAddr>().unwrap(), 1).into())
    }

    #[test]
    fn who_is_trusted() {
        use Standing::{Stranger, Trusted};
        let by_default = trust(&[]);
        let listed = trust(&[("forwarded_allow_ips", "10.0.0.0/8, 2001:db8::/32, 192.0.2.1")]);
        let all = trust(&[("forwarded_allow_ips", "*")]);
        let nobody = trust(&[("forwarded_allow_ips", "")]);
        for (trust, address, expected) in [
            (&by_default, "127.0.0.1", Trusted),
            (&by_default, "::1", Trusted),
            (&by_default, "::ffff:127.0.0.1", Trusted),
            (&by_default, "127.0.0.2", Stranger),
            (&listed, "10.255.0.1", Trusted),
            (&listed, "11.0.0.1", Stranger),
            (&listed, "::ffff:10.1.1.1", Trusted),
            (&listed, "2001:db8:1::1", Trusted),
            (&listed, "2001:db9::1", Stranger),
            (&listed, "192.0.2.1", Trusted),
            (&listed, "127.0.0.1", Stranger),
            (&all, "203.0.113.9", Trusted),
            (&all, "::1", Trusted),
            (&nobody, "127.0.0.1", Stranger),
        ] {
            assert_eq!(trust.standing(&tcp(address)), expected, "{address}");
        }
        assert_eq!(nobody.standing(&Peer::Unix), Trusted);
    }

    #[test]
    fn the_scheme_is_what_a_trusted_sender_says() {
        let trust = trust(&[]);
        let contradiction = Err(Disbelief::ContradictoryScheme);
        for (fields, believed) in [
            (&[][..], Ok(Scheme::Http)),
            (&[("host", "x"), ("accept-encoding", "br")], Ok(Scheme::Http)),
            (&[("x-forwarded-proto", "https")], Ok(Scheme::Https)),
            (&[("x-forwarded-proto", "http")], Ok(Scheme::Http)),
            (&[("x-forwarded-proto", "HTTPS")], Ok(Scheme::Http)),
            (&[("x-forwarded-protocol", "ssl")], Ok(Scheme::Https)),
            (&[("x-forwarded-ssl", "on"), ("x-forwarded-proto", "https")], Ok(Scheme::Https)),
            (&[("x-forwarded-ssl", "off"), ("x-forwarded-proto", "http")], Ok(Scheme::Http)),
            (&[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-by_y", "z")], Ok(Scheme::Http)),
            (&[("x-forwarded-ssl", "off"), ("x-forwarded-proto", "https")], contradiction.clone()),
            (
                &[("x-forwarded-proto", "https"), ("x-forwarded-proto", "http")],
                contradiction.clone(),
            ),
        ] {
            let got = trust.judge(Standing::Trusted, &mut map(fields));
            assert_eq!(got, believed, "{fields:?}");
            let got = trust.judge(Standing::Stranger, &mut map(fields));
            assert_eq!(got, Ok(Scheme::Http), "{fields:?}");
        }
    }

    #[test]
    fn underscores_get_through_as_far_as_somebody_answers_for_them() {
        let fields = &[("x-b", "1"), ("script_name", "/x"), ("x_y", "2"), ("x-b", "3"), ("a", "4")];
        let names = |headers: &HeaderMap| -> String {
            let pairs = headers.iter().map(|(n, v)| format!("{n}={} ", v.to_str().unwrap()));
            pairs.collect()
        };
        let refused = |name: &str| Err(Disbelief::Underscore(name.parse().unwrap()));
        let (trusted, stranger) = (Standing::Trusted, Standing::Stranger);
        for (settings, standing, expected) in [
            (&[][..], trusted, Ok("x-b=1 x-b=3 script_name=/x a=4 ")),
            (&[], stranger, Ok("x-b=1 x-b=3 a=4 ")),
            (&[("header_map", "refuse")], trusted, refused("x_y")),
            (&[("header_map", "refuse")], stranger, refused("script_name")),
            (&[("header_map", "dangerous")], stranger, Ok("x-b=1 x-b=3 script_name=/x x_y=2 a=4 ")),
            (&[("forwarder_headers", "X_Y")], trusted, Ok("x-b=1 x-b=3 x_y=2 a=4 ")),
            (&[("forwarder_headers", "*")], trusted, Ok("x-b=1 x-b=3 script_name=/x x_y=2 a=4 ")),
            (&[("forwarder_headers", "*")], stranger, Ok("x-b=1 x-b=3 a=4 ")),
        ] {
            let mut headers = map(fields);
            let judged = trust(settings).judge(standing, &mut headers);
            let got = judged.map(|_| names(&headers));
            assert_eq!(got, expected.map(str::to_owned), "{settings:?} {standing:?}");
        }
    }
}
