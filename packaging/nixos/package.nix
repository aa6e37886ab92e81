# The package for Nix, of the checkout in which this file lies. Its list of files is tested; it was not
# built by Nix.
{ rustPlatform, linux-pam }:

rustPlatform.buildRustPackage {
  pname = "twinlock";
  version = "0.1.0";
  src = ../..;
  cargoLock.lockFile = ../../Cargo.lock;
  buildInputs = [ linux-pam ];
  # The tests of the command line and of PAM need a machine, which the sandbox is not.
  doCheck = false;

  # The module alone: together with the command it would have the command's features.
  buildPhase = ''
    runHook preBuild
    cargo build --release --locked --offline --package pam_twinlock
    cargo build --release --locked --offline --package twinlock
    cargo build --release --locked --offline --package twinlock-agent
    cargo build --release --locked --offline --package twinlock-fleet
    runHook postBuild
  '';

  # NixOS has no /usr/bin.
  installPhase = ''
    runHook preInstall
    sed -i "s|/usr/bin/twinlock|$out/bin/twinlock|; s|/usr/libexec|$out/libexec|; s|/bin/sleep|sleep|" packaging/systemd/*
    PREFIX= SECURITY=/lib/security UNITS=/lib/systemd/system ZSH=/share/zsh/site-functions \
      sh packaging/install.sh "$out"
    runHook postInstall
  '';
}
