"""What the engine refuses, and why: one small family, mapped once by each front to its own kind of answer.

A refused action has changed nothing. The message is written for the person or integrator who asked.
"""


class WorkflowError(Exception):
    """An action that this flow does not allow."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidTransition(WorkflowError):
    """A status change that the table in `status` does not list."""

    def __init__(self, before: str, after: str) -> None:
        super().__init__(f"Invalid status transition from {before} to {after}")


class ActionNotAllowed(WorkflowError):
    """The flow or task is in a state in which this action has no meaning."""


class InvalidBranch(WorkflowError):
    """A decision was asked to take a branch that it does not have, or none where one is needed."""


class InvalidGraph(WorkflowError):
    """A template whose graph cannot be run; `node` is the id of what is at fault."""

    def __init__(self, node: str, message: str) -> None:
        super().__init__(message)
        self.node = node


class UnknownNode(WorkflowError):
    """A task or phase that the flow does not have."""
