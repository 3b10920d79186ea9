"""The framing layer against RFC 6455."""
