"""Who a session belongs to: the login and the person behind it, in one query, because every page asks for both."""

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth import get_user_model

from atlas.models import User


class Backend(AuthenticationBackend):
    """How allauth knows people, and what is read of them with their session."""

    def get_user(self, user_id: int) -> User | None:
        """The login of this number, unless it is closed."""
        found = get_user_model().objects.select_related("contributor").filter(pk=user_id).first()
        return found if found is not None and self.user_can_authenticate(found) else None
