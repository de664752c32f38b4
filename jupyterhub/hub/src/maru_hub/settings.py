"""What an installation of the hub can be told: the document that charts/jupyterhub renders.

Every key stands in the chart's values under the same name. An unknown key is refused.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from maru_hub.errors import SettingsError
from maru_hub.profiles import ProfileCatalogue


class Section(BaseModel):
    """A part of the document: frozen, camelCase as in the chart's values, nothing unknown."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True
    )


class User(Section):
    """A person who may log in by password."""

    admin: bool = Field(False, description="may see and stop everybody's server")
    groups: tuple[str, ...] = Field((), description="a project's owner may be one of these")
    full_name: str = Field("", description="the name in the user's commits")
    email: str = Field("", description="the address in the user's commits")


class PasswordLogin(Section):
    """One generated password for a laptop: whoever knows it logs in as any of the users."""

    kind: Literal["password"]
    users: dict[str, User] = Field(description="by user name; nobody else may log in")


class OidcLogin(Section):
    """Login by an OAuth 2 or OpenID Connect provider."""

    kind: Literal["oidc"]
    client_id: str
    authorize_url: str
    token_url: str
    userdata_url: str
    callback_url: str = Field(description="https://<the hub>/hub/oauth_callback")
    username_claim: str = "preferred_username"
    groups_claim: str = Field("groups", description="its values are the hub's groups")
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    allowed_users: tuple[str, ...] = ()
    allowed_groups: tuple[str, ...] = ()
    admin_users: tuple[str, ...] = ()
    admin_groups: tuple[str, ...] = ()


class Database(Section):
    """The hub's PostgreSQL; its password comes from the environment (PGPASSWORD)."""

    host: str
    port: int = 5432
    name: str = "jupyterhub"
    user: str = "jupyterhub"


class Addresses(Section):
    """Where the hub's own parts reach each other."""

    hub: str = Field(description="the hub as user pods and the proxy reach it, http://host:8081")
    proxy_api: str = Field(description="the proxy's own API, http://host:8001")


class Pods(Section):
    """What every user's pod has, whatever its profile."""

    namespace: str
    storage_class: str = Field("", description="of the homes; empty is the cluster's default")
    home_size: str = Field("10Gi", description="of each home")
    tmp_size: str = Field("2Gi", description="limit of /tmp, lost with the pod")
    start_timeout_s: int = Field(180, description="a pod that isn't up by then is given up")
    labels: dict[str, str] = Field({}, description="network policies admit pods by these")
    node_selector: dict[str, str] = {}


class Idle(Section):
    """When a server that nobody uses is stopped."""

    timeout_s: int = Field(600, description="the server stops itself after so long")
    warning_s: int = Field(120, description="JupyterLab warns so long before")
    backstop_s: int = Field(
        7200, description="the hub stops a server that it heard nothing of for so long"
    )
    every_s: int = Field(60, description="how often the hub looks")


class ObjectStore(Section):
    """The S3 store; its root account comes from the environment."""

    endpoint: str
    region: str = "us-east-1"
    home_bucket: str = Field("notebooks", description="a user's part is the prefix <user>/")
    project_bucket: str = Field("projects", description="a project's part is <project>/")
    raw_bucket: str = Field("raw", description="the raw log, read by profiles with rawLog")

    @model_validator(mode="after")
    def _three_buckets(self) -> Self:
        names = [self.home_bucket, self.project_bucket, self.raw_bucket]
        if len({*names}) < len(names):
            raise ValueError(
                "homeBucket, projectBucket and rawBucket must be three: in one bucket a user's "
                f"files would be another's to read; got {', '.join(names)}"
            )
        return self


class Tracking(Section):
    """The MLflow server; its administrator's password comes from the environment."""

    uri: str
    admin: str = "admin"


class Credentials(Section):
    """The servers that users get accounts at. An absent one is left out of the pods."""

    object_store: ObjectStore | None = None
    tracking: Tracking | None = None
    wait_s: float = Field(4.0, description="a spawn waits no longer for accounts and permissions")


class Projects(Section):
    """The analysts' repository: cloned into each home, and read for the projects' owners."""

    repository: str = ""
    branch: str = "main"
    refresh_s: int = Field(60, description="owners are read anew after so long")


class Settings(Section):
    """All of it."""

    login: Annotated[PasswordLogin | OidcLogin, Field(discriminator="kind")]
    database: Database | None = Field(None, description="without one: a file, for tests only")
    addresses: Addresses
    pods: Pods
    idle: Idle = Idle()
    credentials: Credentials = Credentials()
    projects: Projects = Projects()
    images: dict[str, str] = Field(description="by name, each repository@sha256:digest")
    profiles: ProfileCatalogue


def _said(error: ValidationError) -> str:
    """Say the first fault of the document in one sentence."""
    fault = error.errors()[0]
    where = ".".join(str(part) for part in fault["loc"]) or "the document"
    if fault["type"] == "extra_forbidden":
        return f"{where} is no setting of the hub; remove it, or see charts/jupyterhub/README.md"
    if fault["type"] == "missing":
        return f"{where} is missing; write it as charts/jupyterhub/README.md says"
    return f"{where}: {fault['msg']}, got {fault['input']!r}"


def parse(document: object) -> Settings:
    """Check a document that was read from YAML.

    Raises
    ------
    SettingsError
        If a key is unknown, missing or has a value that the hub can't use.
    """
    try:
        settings = Settings.model_validate(document)
        settings.profiles.check_images(settings.images)
    except ValidationError as error:
        raise SettingsError(f"settings: {_said(error)}.") from None
    return settings


def load(path: Path) -> Settings:
    """Read and check the settings of an installation."""
    try:
        document = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"settings {path} can't be read: {error}") from None
    return parse(document)
