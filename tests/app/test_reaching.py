"""What `[http]` says of how the daemon is reached: what counts from a reload on, and what needs a restart."""

from pathlib import Path

import requests

from daemon.app.lifecycle import App
from daemon.app.reloading import Reloaded
from tests.support.config_files import ENVIRON, SMS, SYSTEM, loaded

LISTENING = '[daemon]\ndatabase = "sqlite:///{}/y.db"\n[http]\nlisten = "127.0.0.1:0"\ntoken_env = "TOKEN"\n'
SLOWLY = SMS + 'every = "1h"\n'


def config(directory: Path, settings: str) -> str:
    system = SYSTEM + 'base_url = "http://127.0.0.1:9/"\n' + SLOWLY
    return LISTENING.format(directory) + settings + system


def reload(app: App, directory: Path, settings: str) -> Reloaded:
    return app.reload(loaded(directory, config(directory, settings), ENVIRON).config)


def test_what_strangers_see_counts_at_once_and_the_prefix_from_the_next_start(tmp_path: Path) -> None:
    app = App(loaded(tmp_path, config(tmp_path, 'prefix = "/yemotd"\n')).config)
    app.start()
    try:
        where = f"http://127.0.0.1:{app.port}/yemotd"
        assert requests.get(f"{where}/livez", timeout=10).text == "ok\n"
        assert requests.get(f"{where}/feed.atom", timeout=10).status_code == 404

        more = 'prefix = "/other"\nurl = "https://phones.example.org"\nfeed = true\n'
        assert reload(app, tmp_path, more).needs_restart == ("[http] prefix",)

        feed = requests.get(f"{where}/feed.atom?language=en", timeout=10)
        assert feed.status_code == 200
        # The prefix that is in force, not the one that will be.
        assert 'href="https://phones.example.org/yemotd/feed.atom?language=en"' in feed.text
        assert requests.get(f"http://127.0.0.1:{app.port}/other/livez", timeout=10).status_code == 404
        assert reload(app, tmp_path, 'prefix = "/other"\n').needs_restart == ()
        assert requests.get(f"{where}/feed.atom", timeout=10).status_code == 404
    finally:
        app.stop()
