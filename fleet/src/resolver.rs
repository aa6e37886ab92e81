//! Resolves the names of endpoints and caches the addresses. ureq needs them at each request, and its own resolver
//! starts a thread each time.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use ureq::{
    Error,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

use crate::clock::since_boot;

/// Time for which cached addresses of a name are used.
const FRESH: Duration = Duration::from_secs(60);

/// A resolver with a cache.
#[derive(Debug, Default)]
pub(crate) struct KnownAddresses {
    asks: DefaultResolver,
    known: Mutex<HashMap<String, NameAddresses>>,
}

#[derive(Debug, Clone)]
struct NameAddresses {
    addresses: Vec<SocketAddr>,
    asked: Duration,
}

impl KnownAddresses {
    fn known(&self, name: &str) -> Option<NameAddresses> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn listed(&self, addresses: &[SocketAddr]) -> ResolvedSocketAddrs {
        let mut list = self.empty();
        // The list has room for 16, and the resolver of ureq returns no more.
        addresses.iter().take(16).for_each(|address| list.push(*address));
        list
    }
}

impl Resolver for KnownAddresses {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let name = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
        if let Ok(address) = name.parse() {
            return Ok(self.listed(&[address]));
        }
        let known = self.known(name);
        let now = since_boot();
        if let Some(known) = known.as_ref().filter(|one| now.saturating_sub(one.asked) < FRESH) {
            return Ok(self.listed(&known.addresses));
        }
        match self.asks.resolve(uri, config, timeout) {
            Ok(list) => {
                let addresses = list.iter().copied().collect();
                let fresh = NameAddresses { addresses, asked: now };
                let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                all.insert(name.to_owned(), fresh);
                Ok(list)
            }
            // A name server that does not answer must not refuse logins.
            Err(error) => known.map(|known| self.listed(&known.addresses)).ok_or(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ureq::unversioned::transport::time::Duration as Wait;

    fn resolve(resolver: &KnownAddresses, url: &str) -> Vec<String> {
        let uri: Uri = url.parse().unwrap();
        let timeout = NextTimeout { after: Wait::from_millis(400), ..NextTimeout::default() };
        let found = resolver.resolve(&uri, &Config::default(), timeout);
        found.map_or_else(|_| vec![], |list| list.iter().map(SocketAddr::to_string).collect())
    }

    #[test]
    fn addresses_are_taken_as_they_are() {
        let resolver = KnownAddresses::default();
        assert_eq!(resolve(&resolver, "https://192.0.2.1:2379/a"), ["192.0.2.1:2379"]);
        assert_eq!(resolve(&resolver, "https://[2001:db8::1]:2379"), ["[2001:db8::1]:2379"]);
        assert!(resolver.known.lock().unwrap().is_empty());
    }

    #[test]
    fn names_are_remembered() {
        let resolver = KnownAddresses::default();
        let known =
            |asked| NameAddresses { addresses: vec!["192.0.2.7:1".parse().unwrap()], asked };
        let insert = |name: &str, asked| {
            resolver.known.lock().unwrap().insert(name.to_owned(), known(asked))
        };
        insert("etcd.invalid:2379", since_boot());
        assert_eq!(resolve(&resolver, "https://etcd.invalid:2379"), ["192.0.2.7:1"]);
        // The name server does not know it: what was known before is used.
        insert("etcd.invalid:2379", Duration::ZERO);
        assert_eq!(resolve(&resolver, "https://etcd.invalid:2379"), ["192.0.2.7:1"]);
        assert_eq!(resolve(&resolver, "https://other.invalid:2379"), Vec::<String>::new());
    }
}
