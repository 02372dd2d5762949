"""web: the HTTP face of a city. It decides nothing; the verbs are those of `app`."""

from shuzhi.web.serving import Listen, listen_of, make_app, serve

__all__ = ["Listen", "listen_of", "make_app", "serve"]
