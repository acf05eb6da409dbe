"""What people type on the pages about themselves and their teams; the services judge it, here it is only read."""

from collections.abc import Mapping
from typing import Any

from django import forms

from atlas import claim_files
from atlas.errors import AtlasError, Validation
from atlas.models import DigestChoice, Role, Scope
from atlas.models.checkpoints import is_slug
from atlas.services import drafts

LONG = 200
# The least a card can say; a placeholder, because a guessed input spec would name another function.
SMALLEST = """{
  "title": "…",
  "input": {
    "size": [224, 224], "channel_order": "RGB", "value_range": [0, 1],
    "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
    "resize": {"mode": "shorter-side", "size": 256, "interpolation": "bilinear"}, "crop": "center"
  },
  "licence": "…"
}"""


class Introduction(forms.Form):
    """How somebody is cited."""

    citation_name = forms.CharField(label="Name", max_length=LONG, help_text="As it is to be cited.")
    orcid = forms.CharField(label="ORCID iD", max_length=40, required=False, help_text="0000-0002-1825-0097, or empty.")


class Erasure(forms.Form):
    """That somebody means it: their own handle, typed."""

    handle = forms.CharField(label="Your handle", max_length=LONG, help_text="Type it to say that you mean it.")

    def __init__(self, *args: Any, handle: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.handle = handle

    def clean_handle(self) -> str:
        """Theirs, and no other."""
        if self.cleaned_data["handle"] != self.handle:
            raise forms.ValidationError(f"This is not {self.handle}; nothing was erased.")
        return self.handle


class NewToken(forms.Form):
    """A key for a script."""

    name = forms.CharField(label="Name", max_length=80, help_text="What it is for.")
    scopes = forms.MultipleChoiceField(label="It may", choices=Scope.choices, widget=forms.CheckboxSelectMultiple)
    days = forms.IntegerField(label="Days it holds", initial=90, min_value=1, max_value=365)
    team = forms.ChoiceField(label="Bound to the team", required=False)

    def __init__(self, *args: Any, teams: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields["team"]
        choices.choices = [("", "none"), *teams]


class NewInvitation(forms.Form):
    """A way into a team."""

    role = forms.TypedChoiceField(label="Role", choices=Role.choices, coerce=int, initial=Role.ANNOTATOR.value)
    uses = forms.IntegerField(label="For how many people", initial=1, min_value=1, max_value=500)
    days = forms.IntegerField(label="Days it holds", initial=14, min_value=1, max_value=90)


class NewRole(forms.Form):
    """What a member may do from now on."""

    role = forms.TypedChoiceField(label="Role", choices=Role.choices, coerce=int)
    version_tag = forms.CharField(widget=forms.HiddenInput, max_length=LONG)


class NewName(forms.Form):
    """A team's name."""

    name = forms.CharField(label="Name", max_length=120)
    version_tag = forms.CharField(widget=forms.HiddenInput, max_length=LONG)


class Reviewing(forms.Form):
    """How a team reviews."""

    blind_review = forms.BooleanField(
        label="Review blind",
        required=False,
        help_text="Nobody is shown what others think of the team's claims before they have said what they think "
        "themselves, or it is decided.",
    )
    version_tag = forms.CharField(widget=forms.HiddenInput, max_length=LONG)


class NewCheckpoint(forms.Form):
    """A checkpoint that is uploaded."""

    slug = forms.CharField(
        label="Name in addresses",
        max_length=40,
        validators=[is_slug],
        help_text="For ever: lower-case letters, digits and dashes.",
    )
    architecture = forms.CharField(
        label="Architecture",
        max_length=100,
        help_text="Such as curve-circuit, or squeezenet1_1 as torchvision says it.",
    )
    weights = forms.FileField(
        label="Weights", help_text="A safetensors file of at most 2 GiB; no other format is read."
    )
    card = forms.CharField(
        label="Card",
        widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "false", "placeholder": SMALLEST}),
        help_text="JSON: title, input and licence at least; labels, summary, source, paper, figures, aliases.",
    )
    team = forms.ChoiceField(label="Owned by", required=False)
    visibility = forms.ChoiceField(
        label="Once it is published, it is read by",
        choices=[("team", "its team"), ("public", "everybody")],
        help_text="Until then by its team only.",
    )

    def __init__(self, *args: Any, teams: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields["team"]
        choices.choices = teams

    def clean_card(self) -> dict[str, Any]:
        """Judged here, so that what is wrong with it is said together with what is wrong with the other fields."""
        try:
            return drafts.read_card(self.cleaned_data["card"])
        except Validation as error:
            raise forms.ValidationError([_within(fault)[1] for fault in error.errors]) from None


class NewDataset(forms.Form):
    """Pictures of somebody's own."""

    title = forms.CharField(label="Title", max_length=120, help_text="What it is, in a line.")
    slug = forms.CharField(
        label="Name in addresses",
        max_length=40,
        validators=[is_slug],
        help_text="For ever: lower-case letters, digits and dashes.",
    )
    pictures = forms.FileField(
        label="Pictures",
        help_text="A ZIP archive of PNG, JPEG, WebP, BMP and GIF: at most 512 MiB and 5,000 files, each of one frame, "
        "10 MiB, 16 million pixels and 8,192 pixels a side.",
    )
    labels = forms.FileField(
        label="Labels",
        required=False,
        help_text="CSV with the columns file, and index or label; and words where an index has a name. Or none.",
    )
    licence = forms.CharField(label="Licence", max_length=LONG, required=False, help_text="Such as CC0-1.0.")
    team = forms.ChoiceField(label="Owned by", required=False)
    visibility = forms.ChoiceField(label="Read by", choices=[("team", "its team"), ("public", "everybody")])
    whole = forms.BooleanField(
        label="All or nothing",
        required=False,
        help_text="Register nothing where a file cannot be taken; else those are named, and the rest is registered.",
    )
    file_column = forms.CharField(
        label="Column of the files", max_length=LONG, required=False, help_text="If not file."
    )
    index_column = forms.CharField(
        label="Column of the labels", max_length=LONG, required=False, help_text="If not index or label."
    )
    name_column = forms.CharField(
        label="Column of their names", max_length=LONG, required=False, help_text="If not words, class or label."
    )

    def __init__(self, *args: Any, teams: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields["team"]
        choices.choices = teams


class Digest(forms.Form):
    """How often one is mailed."""

    digest = forms.ChoiceField(label="A mail of what I have not read", choices=DigestChoice.choices)


class NewSearch(forms.Form):
    """A query that is kept."""

    name = forms.CharField(label="Name", max_length=80, help_text="A name you have already takes the new query.")
    query = forms.CharField(label="Query", max_length=1_000)
    team = forms.ChoiceField(label="Shared with", required=False)

    def __init__(self, *args: Any, teams: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields["team"]
        choices.choices = [("", "nobody"), *teams]


class NewImport(forms.Form):
    """A file of claims."""

    file = forms.FileField(label="File", help_text="JSONL or CSV in UTF-8: at most 20 MiB and 50,000 rows.")
    form = forms.ChoiceField(label="Format", choices=[(form, form.upper()) for form in claim_files.FORMS])
    source = forms.CharField(
        label="Source",
        max_length=LONG,
        help_text="Where the claims come from; the same one again when the same claims are sent again.",
    )
    checkpoint = forms.CharField(
        label="Checkpoint", max_length=40, required=False, help_text="By its name in addresses, unless the rows say it."
    )
    team = forms.ChoiceField(label="For the team")
    visibility = forms.ChoiceField(label="Read by", choices=[("public", "everybody"), ("team", "its team")])

    def __init__(self, *args: Any, teams: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields["team"]
        choices.choices = teams


class NewFiring(forms.Form):
    """A picture, and what neurons' answers to it are held against."""

    file = forms.FileField(
        label="A picture of yours",
        required=False,
        help_text="PNG, JPEG or WebP of at most 10 MiB; its pixels alone are kept.",
    )
    item = forms.RegexField(
        r"^[0-9a-f]{64}$", label="Or an item of a dataset", required=False, help_text="By its digest, 64 digits."
    )
    against = forms.ChoiceField(label="Held against", required=False)

    def __init__(self, *args: Any, against: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.recorded = against
        choices: Any = self.fields["against"]
        choices.choices = [*against, ("", "the eight pictures by which checkpoints are checked")]

    def clean(self) -> dict[str, Any]:
        """One picture."""
        given = super().clean() or self.cleaned_data
        if not self.errors and bool(given.get("file")) == bool(given.get("item")):
            raise forms.ValidationError("Choose one: a picture of yours, or an item of a dataset.")
        return given


class Accepted(forms.Form):
    """An invitation that somebody was sent."""

    invitation = forms.CharField(label="Invitation", max_length=100, help_text="As it was sent to you: inv_…")


def refuse(form: forms.Form, error: AtlasError) -> None:
    """Put what a service says beside the field it is about, or over the form."""
    faults = error.errors if isinstance(error, Validation) else [{"pointer": "", "detail": str(error)}]
    for fault in faults:
        name, detail = _within(fault)
        form.add_error(name if name in form.fields else None, detail)


def _within(fault: Mapping[str, str]) -> tuple[str, str]:
    """The field a fault is about, and the fault in words, with where in that field it lies."""
    name, _, place = fault["pointer"].strip("/").partition("/")
    return name, f"{place}: {fault['detail']}" if place else fault["detail"]
