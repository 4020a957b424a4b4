"""The operator's RPCs for signing keys. That it is the operator who calls is the check's doing."""

import grpc
from supportagent.access.v1 import user_key_service_pb2 as pb
from supportagent.access.v1 import user_key_service_pb2_grpc as pb_grpc

from gateway.access.api import convert_user_tokens as convert
from gateway.access.domain.user_tokens.signing_keys import SigningKeys

SERVICE = pb.DESCRIPTOR.services_by_name["UserKeyService"].full_name


class UserKeyServicer(pb_grpc.UserKeyServiceServicer):
    """Signing keys of workspaces."""

    def __init__(self, keys: SigningKeys) -> None:
        self._keys = keys

    def CreateUserKey(
        self, request: pb.CreateUserKeyRequest, context: grpc.ServicerContext
    ) -> pb.CreateUserKeyResponse:
        """Make a signing key and return it with its secret, once."""
        key = self._keys.create(convert.user_key_wish(request))
        return convert.create_user_key_response(key)

    def ListUserKeys(
        self, request: pb.ListUserKeysRequest, context: grpc.ServicerContext
    ) -> pb.ListUserKeysResponse:
        """List a workspace's and its twin's signing keys, newest first."""
        page = self._keys.list(request.workspace, request.page_size, request.page_token)
        return convert.list_user_keys_response(page)

    def DisableUserKey(
        self, request: pb.DisableUserKeyRequest, context: grpc.ServicerContext
    ) -> pb.DisableUserKeyResponse:
        """Disable a signing key for good."""
        key = self._keys.disable(request.kid)
        return convert.disable_user_key_response(key)
