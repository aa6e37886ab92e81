//! Starts the daemon: reads its files, starts its threads, and listens.

use std::{
    fs, io,
    os::{
        fd::AsFd,
        unix::{fs::FileTypeExt, net::UnixListener},
    },
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use rustix::{
    fs::Mode,
    net::sockopt,
    process::{Resource, Rlimit, getrlimit, setrlimit, umask},
};
use twinlock_core::policy::fleet_daemon::FleetDaemonConfig;

use crate::{
    background,
    daemon_state::{DaemonState, TakeBackQueue},
    delivery::Handover,
    entry_text::HostName,
    entry_value::HostFacts,
    host_entry::{HostEntry, HostEntryParts},
    https::HttpsTransport,
    jobs::JobQueue,
    listener::FleetListener,
    log::{self, Log, LogLevel},
    options::DaemonOptions,
    program_files::ProgramFiles,
    state_dir::StateDir,
    store::{Outage, StoreClient, StoreParts, StoreToken, StoreUser},
    tls::{PemFiles, TlsParts},
    worker,
};

/// Number of threads that carry out transactions. Each has a connection to the store.
const WORKERS: usize = 16;
/// Number of threads that carry out other requests. With two, the state can be reported while another request waits for
/// the store.
const CONTROLLERS: usize = 2;
/// Maximum number of transactions that wait for a thread.
const TRANSACTIONS_MAX: usize = 2048;
/// Maximum number of other requests that wait for a thread.
const CONTROLS_MAX: usize = 64;

/// Runs the daemon. Ends only after an error.
pub fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    let options = match DaemonOptions::read(arguments, |name| std::env::var_os(name)) {
        Ok(options) => options,
        Err(error) => {
            log::print(&error);
            return ExitCode::from(2);
        }
    };
    match serve(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::print(&format!("twinlock-fleet: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn serve(options: &DaemonOptions) -> Result<(), String> {
    let files = ProgramFiles::of(&config_path(options), options.credentials.clone());
    let config = files.config()?;
    let daemon = Arc::new(assembled(options, &files, &config)?);
    raise_descriptor_limit();
    let socket = match &options.listen {
        Some(path) => own_socket(path).map_err(|error| format!("{}: {error}", path.display()))?,
        None => passed_socket().map_err(|error| error.to_string())?,
    };
    start_threads(&daemon, options.interval).map_err(|error| error.to_string())?;
    let mut listener = FleetListener::new(daemon, socket).map_err(|error| error.to_string())?;
    listener.run().map_err(|error| error.to_string())
}

/// Returns the path of the configuration. A credential of the service with the same file name takes precedence.
fn config_path(options: &DaemonOptions) -> std::path::PathBuf {
    let credential = options.credentials.as_ref().zip(options.config.file_name());
    let credential = credential.map(|(folder, file)| folder.join(file));
    credential.filter(|path| path.exists()).unwrap_or_else(|| options.config.clone())
}

fn assembled(
    options: &DaemonOptions,
    files: &ProgramFiles,
    config: &FleetDaemonConfig,
) -> Result<DaemonState, String> {
    let log = Arc::new(Log::new(&config.host));
    let in_state = |error: io::Error| format!("{}: {error}", options.state.display());
    let dir = Arc::new(StateDir::open(&options.state).map_err(in_state)?);
    let tls = tls(files, config)?;
    let user = match &config.login {
        None => None,
        Some(login) => {
            Some(StoreUser { name: login.user.clone(), password: files.password(login)? })
        }
    };
    let store = StoreClient::new(StoreParts {
        transport: Box::new(HttpsTransport::new(&config.endpoints, tls.as_ref())),
        endpoints: config.endpoints.clone(),
        token: StoreToken::of(user),
        outage: Outage::restored(dir.clone(), log.clone()),
        log: log.clone(),
    });
    let entry = HostEntry::restored(HostEntryParts {
        name: HostName { fleet: config.fleet.clone(), host: config.host.clone() },
        facts: HostFacts::of_this_host(config.key_ids.clone()),
        dir,
        log: log.clone(),
    });
    let entry = entry.map_err(in_state)?;
    let pairs = [("fleet", config.fleet.as_str()), ("stopped", entry.stop_word())];
    log.say(LogLevel::Notice, "fleet_started", &pairs);
    Ok(DaemonState {
        store,
        entry,
        transactions: JobQueue::of(TRANSACTIONS_MAX),
        controls: JobQueue::of(CONTROLS_MAX),
        take_backs: TakeBackQueue::new(log),
        handover: Handover::new().map_err(|error| error.to_string())?,
        tls,
    })
}

fn tls(files: &ProgramFiles, config: &FleetDaemonConfig) -> Result<Option<TlsParts>, String> {
    let Some(names) = &config.tls else { return Ok(None) };
    let (ca, certificate) = (files.read(&names.ca)?, files.read(&names.certificate)?);
    let key = files.read(&names.key)?;
    TlsParts::read(&PemFiles { ca: &ca, certificate: &certificate, key: &key }).map(Some)
}

fn start_threads(daemon: &Arc<DaemonState>, interval: Duration) -> io::Result<()> {
    for _ in 0..WORKERS {
        start(daemon, "worker", |daemon| worker::work(&daemon, |daemon| &daemon.transactions))?;
    }
    for _ in 0..CONTROLLERS {
        start(daemon, "control", |daemon| worker::work(&daemon, |daemon| &daemon.controls))?;
    }
    start(daemon, "interval", move |daemon| background::each_interval(&daemon, interval))?;
    start(daemon, "probe", |daemon| background::probe_outages(&daemon))?;
    start(daemon, "take-back", |daemon| background::take_back(&daemon))
}

fn start(
    daemon: &Arc<DaemonState>,
    name: &str,
    work: impl FnOnce(Arc<DaemonState>) + Send + 'static,
) -> io::Result<()> {
    let daemon = daemon.clone();
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(move || work(daemon)).map(drop)
}

/// Raises the limit of open file descriptors to its maximum.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    // If it fails, fewer connections are accepted at a time.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// Creates the socket. Only the user who runs the daemon may connect.
fn own_socket(path: &Path) -> io::Result<UnixListener> {
    // If a daemon was killed, its socket is still there.
    if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
        fs::remove_file(path)?;
    }
    let before = umask(Mode::from_raw_mode(0o177));
    let socket = UnixListener::bind(path);
    umask(before);
    socket
}

/// Returns the socket that systemd passes as standard input (`StandardInput=socket`).
fn passed_socket() -> io::Result<UnixListener> {
    let passed = io::stdin().as_fd().try_clone_to_owned()?;
    if sockopt::socket_acceptconn(&passed).unwrap_or(false) {
        return Ok(UnixListener::from(passed));
    }
    Err(io::Error::other(
        "standard input is no socket: start twinlock-fleet.socket, or use --listen PATH",
    ))
}
