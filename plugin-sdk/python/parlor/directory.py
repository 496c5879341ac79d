"""What the platform knows. Other than the event's own conversation each read wants a grant."""

from wit_world.imports.directory import (  # noqa: F401
    ContactStatus,
    ReadError_Denied,
    ReadError_Failed,
    ReadError_NotFound,
    ReadError_Throttled,
    ReadError_Unsupported,
    attachment,
    capabilities,
    contact,
    conversations,
    find_conversation,
    find_user,
    history,
    members,
    message,
    presence,
    transfer_targets,
)
