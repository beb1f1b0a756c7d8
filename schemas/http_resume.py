"""The bodies that resume a job: why, and whether the time in which it was not active is to be made up for."""

from schemas.http import ReasonBody, TenantBody


class ResumeBody(ReasonBody):
    """With `catchUp` the instants since the job ceased to be active are dealt with by its misfire policy."""

    catch_up: bool = False


class InternalResumeBody(ResumeBody, TenantBody):
    """Why the service asks, for which tenant, and what is to be made up for."""
