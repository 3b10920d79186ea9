"""
Attacks on a daemon over real sockets, beside honest clients who must not notice.

An attack is a function in the module of its theme; ``arena`` says what surrounds it, and
``python -m tests.attacks`` tells how it went in figures. Each attacker has a loopback
address of its own, which Linux has by itself.
"""
