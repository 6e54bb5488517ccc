"""The tables, by noun: fields, constraints, indexes and shared reads. No verbs: writing is the services' work."""

from workflows.models.access import ApiToken
from workflows.models.agent import Agent, AgentMode, AgentRun, AgentRunStatus
from workflows.models.audit import AuditEntry, AuditOpening
from workflows.models.automation import AutomationAction, AutomationExecution, AutomationFlow, AutomationKey, Rotation
from workflows.models.board import BoardShare, SavedBoard, ShareKind
from workflows.models.bulk import BulkChange, BulkItem, BulkState
from workflows.models.closing_reason import ClosingReason, ClosingReasonStatus
from workflows.models.comment import Comment, Mention
from workflows.models.entity import Entity
from workflows.models.execution import (
    Assignment,
    ContextRef,
    Edge,
    Execution,
    ExecutionDocument,
    Phase,
    Task,
)
from workflows.models.history import ActorKind, Event
from workflows.models.idempotency import IdempotencyKey
from workflows.models.job import Delivery, Job, JobState
from workflows.models.organisation import CustomRole, Language, Membership, Organisation, Role, User
from workflows.models.preferences import Density, Preferences, Theme
from workflows.models.presence import Presence
from workflows.models.second_factor import RecoveryCode, SecondFactor
from workflows.models.session import Session
from workflows.models.sharing import Audience, Share
from workflows.models.template import Definition, FlowTemplate, TemplateTrigger, TemplateVersion
from workflows.models.webhook import Webhook

__all__ = [
    "ActorKind",
    "Agent",
    "AgentMode",
    "AgentRun",
    "AgentRunStatus",
    "ApiToken",
    "Assignment",
    "Audience",
    "AuditEntry",
    "AuditOpening",
    "AutomationAction",
    "AutomationExecution",
    "AutomationFlow",
    "AutomationKey",
    "BoardShare",
    "BulkChange",
    "BulkItem",
    "BulkState",
    "ClosingReason",
    "ClosingReasonStatus",
    "Comment",
    "ContextRef",
    "CustomRole",
    "Definition",
    "Delivery",
    "Density",
    "Edge",
    "Entity",
    "Event",
    "Execution",
    "ExecutionDocument",
    "FlowTemplate",
    "IdempotencyKey",
    "Job",
    "JobState",
    "Language",
    "Membership",
    "Mention",
    "Organisation",
    "Phase",
    "Preferences",
    "Presence",
    "RecoveryCode",
    "Role",
    "Rotation",
    "SavedBoard",
    "SecondFactor",
    "Session",
    "Share",
    "ShareKind",
    "Task",
    "TemplateTrigger",
    "TemplateVersion",
    "Theme",
    "User",
    "Webhook",
]
