"""The feedback service from the command line: `python -m rl_assets.service`, its keys and its invitations."""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from urllib.parse import quote

from rl_assets.service.database import StoreError
from rl_assets.service.key_rows import SCOPES
from rl_assets.service.serve import HOST, PORT, ServeError, serve
from rl_assets.service.state import open_service
from rl_assets.service.store import Store
from rl_assets.settings import Settings, SettingsError, load_settings


def main() -> None:
    """Run the command; what cannot be done is a sentence on stderr and exit code 1."""
    arguments = _parser().parse_args(["serve", *sys.argv[1:]] if _is_serve(sys.argv[1:]) else None)
    try:
        settings = load_settings()
        command: Callable[[Settings, argparse.Namespace], None] = arguments.command
        command(settings, arguments)
    except (SettingsError, StoreError, ServeError, ValueError) as error:
        sys.exit(f"{error}")


def _is_serve(arguments: list[str]) -> bool:
    """Whether no command is named: then the service is served."""
    return not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rl_assets.service", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="serve | keys | invites")
    _add_serve(commands.add_parser("serve", help="serve pages and REST (the default)"))
    _add_keys(commands.add_parser("keys", help="keys of programs").add_subparsers(required=True))
    _add_invites(commands.add_parser("invites", help="links for raters").add_subparsers(required=True))
    return parser


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default=HOST, help=f"address to listen on; {HOST} until there is a key")
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--workers", type=int, default=1, help="processes that answer")
    parser.set_defaults(command=lambda settings, given: serve(settings, given.host, given.port, given.workers))


def _add_keys(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    add = commands.add_parser("add", help="make a key, and print it once")
    add.add_argument("name")
    add.add_argument("--scope", action="append", choices=SCOPES, required=True, help="give it once for each scope")
    add.add_argument("--brand", help="the only segment that it may see; every one when left out")
    add.set_defaults(command=partial(_with_store, _add_key))
    commands.add_parser("list", help="names, scopes and brands").set_defaults(command=partial(_with_store, _list_keys))
    revoke = commands.add_parser("revoke", help="end a key")
    revoke.add_argument("name")
    revoke.set_defaults(command=partial(_with_store, _revoke_key))


def _add_invites(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    add = commands.add_parser("add", help="invite a rater, and print the link once")
    add.add_argument("rater", help="id under which the rater's verdicts land, as an e-mail address")
    add.add_argument("--brand", help="the only segment that the rater sees; every one when left out")
    add.add_argument("--days", type=float, default=30, help="days until the link expires")
    add.add_argument("--admin", action="store_true", help="may also see /admin")
    add.add_argument("--url", help="address of the service as the rater reaches it")
    add.set_defaults(command=_add_invite)


def _with_store(
    command: Callable[[Store, argparse.Namespace], None], settings: Settings, given: argparse.Namespace
) -> None:
    command(open_service(settings).store, given)


def _add_key(store: Store, given: argparse.Namespace) -> None:
    print(store.add_key(given.name, given.scope, given.brand))


def _list_keys(store: Store, _: argparse.Namespace) -> None:
    for key in store.all_keys():
        scopes = ",".join(sorted(key.scopes))
        print(f"{key.name}\t{scopes}\t{key.brand or 'every brand'}\t{'revoked' if key.revoked else 'valid'}")


def _revoke_key(store: Store, given: argparse.Namespace) -> None:
    if not store.revoke_key(given.name):
        raise ValueError(f"there is no key {given.name}: `keys list` names them")


def _add_invite(settings: Settings, given: argparse.Namespace) -> None:
    token = open_service(settings).store.add_invite(given.rater, given.brand, given.days, given.admin)
    address = given.url or settings.service_url or f"http://{HOST}:{PORT}"
    print(f"{address.rstrip('/')}/join/{quote(token)}")


if __name__ == "__main__":
    main()
