"""DRF's own token authentication, with the organisation beside the user; one query."""

from django.contrib.auth.models import User
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from bench.stock.models import Token


class BearerAuthentication(TokenAuthentication):
    keyword = "Bearer"

    def authenticate_credentials(self, key: str) -> tuple[User, Token]:
        token = Token.objects.select_related("user", "organisation").filter(key=key, user__is_active=True).first()
        if token is None:
            raise AuthenticationFailed("Invalid token.")
        return token.user, token
