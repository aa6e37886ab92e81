# The NixOS module. Its assertions are tested with made-up options; it was not built by NixOS.
#
#   imports = [ ./twinlock/packaging/nixos/module.nix ];
#   security.twinlock.enable = true;
#   security.twinlock.services.sshd.firstFactor = "publickey";
{
  config,
  lib,
  pkgs,
  ...
}:

let
  cfg = config.security.twinlock;
  rules = name: config.security.pam.services.${name}.rules.auth;
  module = "${cfg.package}/lib/security/pam_twinlock.so";
in
{
  options.security.twinlock = {
    enable = lib.mkEnableOption "the second factor twinlock";
    package = lib.mkOption {
      type = lib.types.package;
      default = pkgs.callPackage ./package.nix { };
      description = "The package of twinlock.";
    };
    services = lib.mkOption {
      default = { };
      description = "The PAM services that ask for a code.";
      type = lib.types.attrsOf (
        lib.types.submodule {
          options.firstFactor = lib.mkOption {
            type = lib.types.enum [
              "follows"
              "publickey"
            ];
            default = "follows";
            description = ''
              "follows": the code is asked for first, and the other lines of the service follow.
              "publickey": a key that sshd has verified is the first factor, and no password is asked for.
            '';
          };
        }
      );
    };
  };

  config = lib.mkIf cfg.enable {
    # With another control, such as "sufficient" or "optional", a right code would replace the password, or a
    # wrong one would let the user in.
    assertions =
      map (name: {
        assertion = (rules name).twinlock.control == "required";
        message = "security.pam.services.${name}.rules.auth.twinlock.control must be \"required\".";
      }) (builtins.attrNames cfg.services)
      ++ map (name: {
        assertion = cfg.services.${name}.firstFactor != "publickey" || name == "sshd";
        message = "security.twinlock.services.${name}: only sshd verifies a public key.";
      }) (builtins.attrNames cfg.services);

    security.pam.services = builtins.mapAttrs (
      name: service:
      let
        alone = service.firstFactor == "publickey";
      in
      {
        rules.auth = {
          twinlock = {
            enable = true;
            control = "required";
            modulePath = module;
            args = [ "first_factor=${service.firstFactor}" ];
            # Before the line of the password, whose success ends the stack.
            order = (rules name).unix.order - 100;
          };
        }
        // (
          if alone then
            {
              unix.enable = lib.mkForce false;
              # The last line of NixOS refuses whatever no line has accepted.
              deny.enable = lib.mkForce false;
            }
          else
            { }
        );
      }
    ) cfg.services
    # With which the agent checks the password of a user.
    // { twinlock = { }; };

    environment.systemPackages = [ cfg.package ];
    systemd.packages = [ cfg.package ];
    # NixOS does not read the [Install] sections of units.
    systemd.targets.local-fs.wants = [ "run-twinlock.mount" ];
    systemd.targets.sockets.wants = [ "twinlock-agent.socket" "twinlock-fleet.socket" ];
    systemd.targets.multi-user.wants = [
      "twinlock-epoch.service"
      "twinlock-setup-boot.service"
      "twinlock-deliver.path"
    ];
    systemd.targets.timers.wants = [
      "twinlock-deliver.timer"
      "twinlock-sweep.timer"
    ];
  };
}
