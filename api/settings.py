"""Settings: `tower.yaml` of the workspace, then the environment. With `api.home` the only reader of the environment.

docs/settings.md lists every key and variable; `index.errors.SettingsError` names the YAML path of a bad one.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, PrivateAttr, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from api.home import DEFAULT_HOME
from api.home import default_home as default_home
from api.job_settings import JobsSettings as JobsSettings
from api.job_settings import Section as _Section
from index.errors import NotFoundError, SettingsError
from index.scope import Action

SETTINGS_FILE = "tower.yaml"
ENVIRONMENT = {
    "TOWER_HOME": "the workspace, where no --home is given",
    "TOWER_CACHE": "where model graphs are kept between workspaces",
    "TOWER_THREADS": "threads for embedding and searching; 0 for one a core",
    "TOWER_SERVER_HOST": "the address that `tower serve` binds",
    "TOWER_SERVER_PORT": "the port that `tower serve` binds",
    "TOWER_TOKEN": "the bearer token that `tower mcp --url` shows to the server",
}


def _provider(value: str) -> str:
    """`none`, `openai-like`, or `package.module.Class`."""
    if value in ("none", "openai-like") or re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", value):
        return value
    known = {"expected": "'none' or 'openai-like'"}
    raise PydanticCustomError("literal_error", "should be 'none', 'openai-like' or the dotted path of a class", known)


Provider = Annotated[str, AfterValidator(_provider)]


class ModelSettings(_Section):
    """One model role. `provider` is none, openai-like, or the dotted path of a LlamaIndex LLM class.

    `api_key_env` names the environment variable that holds the key; the key is never in the file. `timeout_s` is for
    one question, repairs included; prices are for a million tokens; `options` go to the server, or to the class.
    """

    provider: Provider = "none"
    base_url: str = ""
    api_key_env: str = "OPENAI_API_KEY"
    model: str = ""
    timeout_s: float = Field(default=20.0, gt=0, le=600)
    proxy: str = ""
    price_in: float = Field(default=0.0, ge=0)
    price_out: float = Field(default=0.0, ge=0)
    options: dict[str, Any] = Field(default_factory=dict)

    def api_key(self) -> str:
        """The key from the environment, or the empty string where the variable is not set."""
        return os.environ.get(self.api_key_env, "")


def _spelled_out(value: Any) -> Any:
    """`planner: none` is short for `planner: {provider: none}`."""
    return {"provider": value} if isinstance(value, str) else value


ModelRole = Annotated[ModelSettings, BeforeValidator(_spelled_out)]


class ModelsSettings(_Section):
    """The three roles; none is the default for all of them, and everything works with it. `egress_characters` may leave
    for them about one question. The names of the entities that `pseudonyms` lists leave no more than persons' do."""

    planner: ModelRole = ModelSettings.model_construct()
    writer: ModelRole = ModelSettings.model_construct()
    image: ModelRole = ModelSettings.model_construct()
    egress_characters: int = Field(default=200_000, ge=0)
    pseudonyms: tuple[str, ...] = ()


class ServerSettings(_Section):
    """Where `tower serve` listens, and the names it answers for besides this machine's. It answers `concurrent`
    requests at a time, the next ones with 429. Told to stop, it waits `drain_s` seconds for those at work."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    names: tuple[str, ...] = ()
    concurrent: int = Field(default=48, ge=1, le=10_000)
    drain_s: int = Field(default=20, ge=1, le=600)


Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class SigninSettings(_Section):
    """How callers of `tower serve` prove who they are. Without an `issuer` there are API keys, and outside of
    `production` the tokens of `tower token`."""

    issuer: str = ""
    audience: str = ""
    jwks_url: str = ""
    algorithms: tuple[Algorithm, ...] = ("RS256", "ES256")
    leeway_s: int = Field(default=30, ge=0, le=300)
    user_claim: str = Field(default="sub", min_length=1)
    groups_claim: str = ""
    attributes: dict[str, str] = Field(default_factory=dict)
    scopes: dict[str, tuple[Action, ...]] = Field(default_factory=dict)
    production: bool = False


class ConsoleSettings(_Section):
    """The pages at `/`: docs/console.md. Servers with the same session key and Redis share who is signed in."""

    url: str = Field(default="", pattern=r"^(https?://[^/?#\s]+)?$")
    client_id: str = ""
    client_key_env: str = "TOWER_CONSOLE_SECRET"
    scopes: tuple[str, ...] = ("openid", "profile")
    session_minutes: int = Field(default=60, ge=1, le=60 * 24)
    session_key_env: str = "TOWER_SESSION_KEY"
    frame_origins: tuple[Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.*-]+(:\d{1,5})?$")], ...] = ()

    def client_secret(self) -> str:
        """The secret from the environment; empty for a public client, which has none."""
        return os.environ.get(self.client_key_env, "")

    def session_key(self) -> str:
        """The servers' shared key from the environment; empty where sessions stay in the process."""
        return os.environ.get(self.session_key_env, "")


class LimitSettings(_Section):
    """How much a user or a client may use; 0 is no limit. Rows are rows and passages, cost that of models' prices."""

    requests_per_minute: int = Field(default=0, ge=0)
    concurrent: int = Field(default=0, ge=0)
    rows_per_hour: int = Field(default=0, ge=0)
    tokens_per_day: int = Field(default=0, ge=0)
    cost_per_day: float = Field(default=0, ge=0)


class LimitsSettings(_Section):
    """Limits of `tower serve` on those who signed in. With `redis_url` they are exact over all of its processes."""

    user: LimitSettings = LimitSettings.model_construct()
    client: LimitSettings = LimitSettings.model_construct()
    failures_per_minute: int = Field(default=300, ge=1)
    redis_url: str = ""
    redis_prefix: str = Field(default="tower", pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    redis_password_env: str = "REDIS_PASSWORD"

    def redis_password(self) -> str:
        """The password from the environment, or the empty string where the variable is not set."""
        return os.environ.get(self.redis_password_env, "")


class EmbeddingSettings(_Section):
    """What turns texts into vectors. `model` is the folder of a sentence-transformers model; the empty one is the
    built-in all-MiniLM-L6-v2. Another choice than the one that the index was built with needs `tower reindex`."""

    runtime: Literal["auto", "onnxruntime", "openvino", "sentence-transformers"] = "auto"
    model: str = ""


class RankingSettings(_Section):
    """What ranking weighs besides words and meaning; see `index.search.signals.Signals`."""

    half_life_days: float = Field(default=0.0, ge=0)
    recency: float = Field(default=0.5, ge=0)
    authority: dict[str, float] = Field(default_factory=dict)
    per_author: int = Field(default=0, ge=0)
    per_sender: int = Field(default=3, ge=0)
    cross_encoder: str = ""


class IndexSettings(_Section):
    """A PostgreSQL database for the SQL index, this workspace's own; without a `url` it is a SQLite file in the
    workspace. The password may be in the environment. With `row_level_security` the database refuses by itself what an
    asker may not see."""

    url: str = Field(default="", pattern=r"^(postgres(ql)?(\+psycopg)?://.+)?$")
    password_env: str = "TOWER_INDEX_PASSWORD"
    row_level_security: bool = False

    def full_url(self) -> str:
        """The URL with the password of the environment, where there is one."""
        from sqlalchemy.engine import make_url

        password = os.environ.get(self.password_env)
        return make_url(self.url).set(password=password).render_as_string(hide_password=False) if password else self.url


class VectorsSettings(_Section):
    """A Qdrant server for the vector index; without a `url` the embedded engine is used, in the workspace.

    `collection_prefix` must be this workspace's own; the empty one is made from its folder.
    """

    url: str = ""
    api_key_env: str = "QDRANT_API_KEY"
    collection_prefix: str = Field(default="", pattern=r"^[A-Za-z0-9_-]{0,64}$")
    shards: int = Field(default=1, ge=1, le=128)
    replicas: int = Field(default=1, ge=1, le=16)

    def api_key(self) -> str:
        """The key from the environment, or the empty string where the variable is not set."""
        return os.environ.get(self.api_key_env, "")


class SmtpSettings(_Section):
    """A mail server for approved drafts; off without a `host`. The password is in the environment only."""

    host: str = ""
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password_env: str = "TOWER_SMTP_PASSWORD"
    timeout: float = Field(default=15.0, gt=0, le=120)

    def password(self) -> str:
        """The password from the environment, or the empty string where the variable is not set."""
        return os.environ.get(self.password_env, "")


class WebhookSettings(_Section):
    """Where approved drafts are posted; off without a `url`. `signing_key_env` signs the body."""

    url: str = Field(default="", pattern=r"^(https?://.+)?$")
    signing_key_env: str = "TOWER_WEBHOOK_KEY"
    timeout: float = Field(default=15.0, gt=0, le=120)

    def signing_key(self) -> str:
        """The key that signs a body, from the environment; the empty string where the variable is not set."""
        return os.environ.get(self.signing_key_env, "")


class DraftsSettings(_Section):
    """How drafts are written and how approved ones leave. `language` is `auto`, `country` or a code."""

    language: str = Field(default="auto", pattern=r"^(auto|country|[a-z]{2})$")
    smtp: SmtpSettings = SmtpSettings.model_construct()
    webhook: WebhookSettings = WebhookSettings.model_construct()


class TelemetrySettings(_Section):
    """Where traces go: the URL of an OTLP/HTTP collector (`http://127.0.0.1:4318/v1/traces`); none without. `sample` is
    the share of traces that Tower begins itself; one that a request brings is followed as it says."""

    otlp_endpoint: str = Field(default="", pattern=r"^(https?://.+)?$")
    service_name: str = Field(default="tower", min_length=1)
    sample: float = Field(default=1.0, ge=0, le=1)
    timeout: float = Field(default=10.0, gt=0, le=60)


class LogsSettings(_Section):
    """The log of `tower serve` on stderr: `text` for people, or `json` with a line a request from the level info."""

    format: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(_Section):
    """One workspace's settings. `sources` is raw; `ingest.config` checks it and fills in its `${NAME}`s."""

    version: Literal[1] = 1
    catalogue: str = "catalogue.yaml"
    policy: str = "policy.yaml"
    golden: str = "golden.jsonl"
    golden_worse: int = Field(default=0, ge=0)
    models: ModelsSettings = ModelsSettings.model_construct()
    sources: dict[str, Any] = Field(default_factory=dict)
    resolve: dict[str, Any] = Field(default_factory=dict)
    threads: int = Field(default=0, ge=0, le=256)
    cache: str = ""
    server: ServerSettings = ServerSettings.model_construct()
    index: IndexSettings = IndexSettings.model_construct()
    vectors: VectorsSettings = VectorsSettings.model_construct()
    jobs: JobsSettings = JobsSettings.model_construct()
    drafts: DraftsSettings = DraftsSettings.model_construct()
    signin: SigninSettings = SigninSettings.model_construct()
    console: ConsoleSettings = ConsoleSettings.model_construct()
    limits: LimitsSettings = LimitsSettings.model_construct()
    embedding: EmbeddingSettings = EmbeddingSettings.model_construct()
    ranking: RankingSettings = RankingSettings.model_construct()
    telemetry: TelemetrySettings = TelemetrySettings.model_construct()
    logs: LogsSettings = LogsSettings.model_construct()
    _home: Path = PrivateAttr(default=Path(DEFAULT_HOME))

    @model_validator(mode="after")
    def _has_a_database_for_it(self) -> Settings:
        if self.index.row_level_security and not self.index.url:
            raise PydanticCustomError(
                "index", "index.row_level_security needs index.url, a PostgreSQL database: SQLite has no roles"
            )
        return self

    @model_validator(mode="after")
    def _can_be_shared(self) -> Settings:
        if self.jobs.shared and not (self.index.url and self.jobs.keep):
            raise PydanticCustomError("shared", "jobs.shared needs index.url, a PostgreSQL database, and jobs.keep")
        if self.jobs.run_by == "workers" and not (self.jobs.shared and self.vectors.url):
            raise PydanticCustomError("shared", "jobs.run_by: workers needs jobs.shared and vectors.url")
        return self

    @property
    def home(self) -> Path:
        """The workspace folder; relative paths in the file start there."""
        return self._home

    @property
    def catalogue_path(self) -> Path:
        """The catalogue file."""
        return self._home / self.catalogue

    @property
    def policy_path(self) -> Path:
        """The policy file; a workspace without one has no users, and the local administrator asks."""
        return self._home / self.policy

    @property
    def golden_path(self) -> Path:
        """The file of questions with known answers; it need not be there."""
        return self._home / self.golden

    @property
    def cache_dir(self) -> Path:
        """Where files that every workspace shares are kept: `cache`, else the user's cache folder."""
        if self.cache:
            return (self._home / Path(self.cache).expanduser()).absolute()
        from platformdirs import user_cache_path

        return user_cache_path("tower", appauthor=False)

    @property
    def embedding_model(self) -> Path | None:
        """The folder of `embedding.model`; None for the built-in model."""
        return (self._home / Path(self.embedding.model).expanduser()).absolute() if self.embedding.model else None

    @property
    def environment(self) -> Mapping[str, str]:
        """What `${NAME}` in `sources` is filled from."""
        return dict(os.environ)

    @property
    def worker_threads(self) -> int:
        """`threads`, or the number of cores where it is 0."""
        return self.threads or os.cpu_count() or 1


def bearer_token() -> str:
    """The token for a server on another machine, from `TOWER_TOKEN`; empty where there is none."""
    return os.environ.get("TOWER_TOKEN", "")


def load_settings(home: Path, *, must_exist: bool = True) -> Settings:
    """Read `home/tower.yaml` and apply the environment.

    Raises `NotFoundError` where there is no such file and it must exist, `SettingsError` where it does not hold
    together.
    """
    path = home / SETTINGS_FILE
    if not path.is_file():
        if must_exist:
            raise NotFoundError(
                f"no workspace at {home}: there is no {path}",
                hint="make one with `tower init --files DIR` or `tower demo`, or name one with --home or TOWER_HOME",
            )
        return _validated({}, home, "the environment")
    return _validated(_read_yaml(path), home, str(path))


def _read_yaml(path: Path) -> dict[str, Any]:
    import yaml

    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not readable YAML: {error}", hint="docs/configuration.md shows one") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError(f"{path} holds a {type(content).__name__}, not a mapping of settings")
    return content


def _validated(content: Mapping[str, Any], home: Path, where: str) -> Settings:
    merged = _with_environment({key: value for key, value in content.items() if value is not None}, os.environ)
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        raise _settings_error(error, where) from error
    settings._home = home
    return settings


def _with_environment(content: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """The environment wins over the file."""
    for name, key in (("TOWER_CACHE", "cache"), ("TOWER_THREADS", "threads")):
        if environment.get(name):
            content[key] = environment[name]
    server = {key: environment[f"TOWER_SERVER_{key.upper()}"] for key in ("host", "port")
              if environment.get(f"TOWER_SERVER_{key.upper()}")}  # fmt: skip
    if server:
        given = content.get("server")
        content["server"] = {**(given if isinstance(given, dict) else {}), **server}
    return content


def _settings_error(error: ValidationError, where: str) -> SettingsError:
    first = error.errors(include_url=False)[0]
    path = [str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        near = _near(path[-1], _keys_at(path[:-1]))
        hint = f"did you mean {near!r}?" if near else "known here: " + ", ".join(sorted(_keys_at(path[:-1])))
        return SettingsError(f"{where}: unknown setting {'.'.join(path)!r}", hint=hint)
    near = _near(str(first.get("input")), _choices(first))
    hint = f"did you mean {near!r}?" if near else "docs/settings.md lists every setting"
    return SettingsError(f"{where}: {'.'.join(path)}: {first['msg']}", hint=hint)


def _keys_at(path: Iterable[str]) -> list[str]:
    section: type[BaseModel] = Settings
    for part in path:
        annotation = section.model_fields[part].annotation
        assert isinstance(annotation, type) and issubclass(annotation, BaseModel)  # only sections forbid extra keys
        section = annotation
    return list(section.model_fields)


def _choices(error: Any) -> list[str]:
    return re.findall(r"'([^']*)'", str(error.get("ctx", {}).get("expected", "")))


def _near(word: str, known: Iterable[str]) -> str:
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)), "")
