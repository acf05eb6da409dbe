"""Addresses and networks of machines that are believed, asked by `in`."""

from ipaddress import ip_address, ip_network


class Networks:
    """`127.0.0.1,10.244.0.0/16`: what is no address is in none of them."""

    def __init__(self, text: str) -> None:
        """Raises ValueError for what is neither an address nor a network."""
        self.known = tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())

    def __contains__(self, address: object) -> bool:
        try:
            return any(ip_address(str(address)) in network for network in self.known)
        except ValueError:
            return False
