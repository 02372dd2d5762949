"""Shuzhi 数治: the open data platform that a city runs itself on."""
