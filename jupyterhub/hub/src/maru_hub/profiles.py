"""The profiles that a user chooses from: an image and a size.

They are kept in git, in jupyterhub/profiles/profiles.yaml. A profile is named as the spawn page
shows it, ``PySpark small``, and each but the largest knows the next one to choose when its memory
wasn't enough.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from maru_hub.errors import SettingsError
from maru_hub.units import Size

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

    def profile(self, image_name: str, size: str) -> Profile:
        """Return an entry in one of its sizes."""
        entry = self.images[image_name]
        larger = self._next_larger(entry, size)
        return Profile(
            name=f"{entry.title} {size}",
            next_larger=f"{entry.title} {larger}" if larger else "",
            image=entry.image,
            size=self.sizes[size],
        )

    def _next_larger(self, entry: ProfileImage, size: str) -> str:
        """Name the size of the same image with the least more memory and no fewer GPUs."""
        this = self.sizes[size]
        larger = [
            other
            for other in entry.sizes
            if self.sizes[other].memory > this.memory and self.sizes[other].gpu >= this.gpu
        ]
        return min(larger, key=lambda other: self.sizes[other].memory, default="")

    def kubespawner_list(self, references: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return KubeSpawner's profile_list: an entry an image, its sizes as a choice."""
        return [
            {
                "slug": image_name,
                "display_name": entry.title,
                "description": entry.description,
                "default": image_name == self.default_image(),
                "kubespawner_override": {"image": references[entry.image]},
                "profile_options": {
                    "size": {"display_name": "Size", "choices": self._choices(image_name)}
                },
            }
            for image_name, entry in self.images.items()
        ]

    def _choices(self, image_name: str) -> dict[str, dict[str, Any]]:
        return {
            size: {
                "display_name": f"{size}: {described(self.sizes[size])}",
                "default": number == 0,
                "kubespawner_override": overrides(self.profile(image_name, size)),
            }
            for number, size in enumerate(self.images[image_name].sizes)
        }


def described(size: ProfileSize) -> str:
    """Write a size as the spawn page shows it."""
    gpus = f", {size.gpu} GPU" if size.gpu else ""
    memory = f"{size.memory / 2**30:g} GiB"
    return f"{memory} memory, {size.cpu:g} CPU{gpus}"


def overrides(profile: Profile) -> dict[str, Any]:
    """Return what KubeSpawner sets for a profile."""
    size = profile.size
    counted = {"ephemeral-storage": str(size.disk)}
    if size.gpu:
        counted[GPU_RESOURCE] = str(size.gpu)
    return {
        "mem_limit": size.memory,
        "mem_guarantee": size.memory,
        "cpu_limit": size.cpu,
        "cpu_guarantee": size.cpu_request,
        "extra_resource_limits": counted,
        "extra_resource_guarantees": counted,
        "environment": {"MARU_PROFILE": profile.name, "MARU_NEXT_PROFILE": profile.next_larger},
    }
