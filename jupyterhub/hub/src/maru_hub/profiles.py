"""The profiles that a user chooses from: an image and a size.

They are kept in git, in jupyterhub/profiles/profiles.yaml. A profile is named ``<image>-<size>``,
and each but the largest knows the next one to choose when its memory wasn't enough.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from maru_hub.errors import SettingsError
from maru_hub.units import Size, written_size

GPU_RESOURCE = "nvidia.com/gpu"


class _Entry(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True
    )


class ProfileSize(_Entry):
    """What a server of this size may use; it is promised the same memory and disk."""

    memory: Size = Field(description="limit and request, so that a neighbour can't take it")
    cpu: float = Field(gt=0, description="limit, in cores")
    cpu_request: float = Field(gt=0, description="what the scheduler sets aside, in cores")
    disk: Size = Field(description="of the pod itself, without the home; limit and request")
    gpu: int = Field(0, ge=0, description="whole GPUs")

    @model_validator(mode="after")
    def _request_within_limit(self) -> "ProfileSize":
        if self.cpu_request > self.cpu:
            raise ValueError(f"cpuRequest {self.cpu_request} is above cpu {self.cpu}")
        return self


class ProfileImage(_Entry):
    """What a server runs."""

    title: str
    description: str
    image: str = Field(description="its name under jupyterhub/images")
    sizes: tuple[str, ...] = Field(min_length=1, description="smallest first")
    raw_log: bool = Field(False, description="may read the raw log bucket")
    default: bool = False


@dataclass(frozen=True)
class Profile:
    """One image in one size."""

    name: str
    next_larger: str
    """The name of the profile with the next more memory; empty for the largest."""
    image: str
    size: ProfileSize
    raw_log: bool


class ProfileCatalogue(_Entry):
    """All of profiles.yaml."""

    sizes: dict[str, ProfileSize]
    images: dict[str, ProfileImage] = Field(min_length=1)

    @model_validator(mode="after")
    def _sizes_exist(self) -> "ProfileCatalogue":
        for name, entry in self.images.items():
            for size in entry.sizes:
                if size not in self.sizes:
                    raise ValueError(
                        f"profile {name} names the size {size}; there is {', '.join(self.sizes)}"
                    )
        return self

    def check_images(self, references: Mapping[str, str]) -> None:
        """Refuse a profile whose image isn't among the installation's images.

        Raises
        ------
        SettingsError
            If one is missing.
        """
        for name, entry in self.images.items():
            if entry.image not in references:
                raise SettingsError(
                    f"profile {name} runs the image {entry.image}, which isn't among "
                    f"{', '.join(sorted(references))}. Build jupyterhub/images/{entry.image} with "
                    "make images, or remove the profile."
                )

    def default_image(self) -> str:
        """Name the entry that is started when none is chosen, as KubeSpawner does."""
        marked = [name for name, entry in self.images.items() if entry.default]
        return (marked or list(self.images))[0]

    def profiles(self) -> dict[str, Profile]:
        """Return every profile by name, in the order of the file."""
        found = {}
        for image_name, entry in self.images.items():
            for size in entry.sizes:
                name = f"{image_name}-{size}"
                found[name] = Profile(
                    name,
                    self._next_larger(image_name, size),
                    entry.image,
                    self.sizes[size],
                    entry.raw_log,
                )
        return found

    def _next_larger(self, image_name: str, size: str) -> str:
        """Name the size of the same image with the least more memory and no fewer GPUs."""
        this = self.sizes[size]
        larger = [
            other
            for other in self.images[image_name].sizes
            if self.sizes[other].memory > this.memory and self.sizes[other].gpu >= this.gpu
        ]
        if not larger:
            return ""
        return f"{image_name}-{min(larger, key=lambda other: self.sizes[other].memory)}"

    def kubespawner_list(self, references: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return KubeSpawner's profile_list: an entry an image, its sizes as a choice.

        Every choice sets the same keys, so that none stays from an earlier spawn.
        """
        profiles = self.profiles()
        entries: list[dict[str, Any]] = []
        for image_name, entry in self.images.items():
            choices = {
                size: {
                    "display_name": described(self.sizes[size]),
                    "default": size == entry.sizes[0],
                    "kubespawner_override": overrides(profiles[f"{image_name}-{size}"]),
                }
                for size in entry.sizes
            }
            entries.append(
                {
                    "slug": image_name,
                    "display_name": entry.title,
                    "description": entry.description,
                    "default": entry.default,
                    "kubespawner_override": {"image": references[entry.image]},
                    "profile_options": {"size": {"display_name": "Size", "choices": choices}},
                }
            )
        return entries


def described(size: ProfileSize) -> str:
    """Write a size as the spawn page shows it."""
    gpus = f", {size.gpu} GPU" if size.gpu else ""
    return f"{written_size(size.memory)}B memory, {size.cpu:g} CPU{gpus}"


def overrides(profile: Profile) -> dict[str, Any]:
    """Return what KubeSpawner sets for a profile."""
    size = profile.size
    counted = {"ephemeral-storage": str(size.disk), GPU_RESOURCE: str(size.gpu)}
    if not size.gpu:
        del counted[GPU_RESOURCE]
    return {
        "mem_limit": size.memory,
        "mem_guarantee": size.memory,
        "cpu_limit": size.cpu,
        "cpu_guarantee": size.cpu_request,
        "extra_resource_limits": counted,
        "extra_resource_guarantees": counted,
        "environment": {"MARU_PROFILE": profile.name, "MARU_NEXT_PROFILE": profile.next_larger},
    }
