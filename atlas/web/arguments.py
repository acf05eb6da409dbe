"""What people type about a claim besides the claim itself: verdicts, reasons, evidence, words of the vocabulary."""

from collections.abc import Sequence
from typing import Any

from django import forms

from atlas.contents.evidence import METHODS
from atlas.models import Foothold, Resolution, Review, Support

NAME, LINE, LONG = 40, 300, 4_000  # characters
REASON = 1_000
ROLES = [("supports", "supports"), ("contradicts", "contradicts"), ("neutral", "leaves open")]


def prose(label: str, *, longest: int, required: bool = True, help_text: str = "") -> forms.CharField:
    """A text of several lines; the service judges its length."""
    widget = forms.Textarea(attrs={"rows": 3, "maxlength": longest})
    return forms.CharField(label=label, widget=widget, required=required, help_text=help_text, strip=False)


class Plain(forms.Form):
    """A button."""


class Reasoned(forms.Form):
    """Why."""

    reason = prose("Why", longest=REASON)


class Withdrawal(forms.Form):
    """Why, if one wants to say it."""

    reason = prose("Why", longest=REASON, required=False)


class Verdict(forms.Form):
    """What somebody makes of the version they read."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    verdict = forms.ChoiceField(label="Verdict", choices=Review.Verdict.choices, widget=forms.RadioSelect)
    reason = forms.ChoiceField(label="If you dispute it", choices=Review.Reason.choices, required=False)
    text = prose("In your words", longest=LONG, required=False, help_text="A dispute needs at least 20 characters.")
    team = forms.ChoiceField(label="For the team", required=False)

    def __init__(self, *args: Any, teams: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields["team"]
        choices.choices = [("", "the claim’s own, or your only one"), *teams]


class Decision(forms.Form):
    """A curator's word on a dispute."""

    outcome = forms.ChoiceField(label="The claim is", choices=Resolution._meta.get_field("outcome").choices)
    rationale = prose("Rationale", longest=LONG, help_text="At least 50 characters; it stays beside the claim.")


class Merger(forms.Form):
    """Which other claim says it."""

    into = forms.CharField(label="It is the same as", max_length=NAME, help_text="An accession, D….")
    reason = prose("Why", longest=REASON)


class Ranking(forms.Form):
    """Which of several is shown first."""

    rank = forms.ChoiceField(label="Rank", choices=Foothold.Rank.choices)


class Moderating(forms.Form):
    """Whether others see it."""

    to = forms.ChoiceField(label="From now on it is", choices=Foothold.Moderation.choices)
    reason = prose("Why", longest=REASON)


class Restoring(forms.Form):
    """A version that comes back."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    based_on = forms.IntegerField(widget=forms.HiddenInput, min_value=1)


class Detaching(forms.Form):
    """Evidence that no longer speaks of a claim."""

    evidence = forms.CharField(widget=forms.HiddenInput, max_length=NAME)
    role = forms.ChoiceField(widget=forms.HiddenInput, choices=Support.Role.choices)
    facet = forms.ChoiceField(widget=forms.HiddenInput, choices=Support.Facet.choices, required=False)


class Evidence(forms.Form):
    """What speaks for or against a claim: a finished question, evidence that is known, literature, one's word."""

    role = forms.ChoiceField(label="It", choices=ROLES)
    facet = forms.ChoiceField(label="what is said of", choices=Support.Facet.choices, required=False)
    job = forms.ChoiceField(label="A finished question", required=False, help_text="Of the neurons of this claim.")
    known = forms.CharField(
        label="Evidence that is known", max_length=NAME, required=False, help_text="Its accession, E…."
    )
    method = forms.ChoiceField(
        label="Or what you read or did",
        choices=[("", "–"), *METHODS.items()],
        required=False,
        help_text="Literature needs a title and a DOI or an address.",
    )
    file = forms.FileField(
        label="A picture or a table of it",
        required=False,
        help_text="PNG, JPEG or WebP of at most 10 MiB, or CSV of at most 1 MiB; its pixels or cells alone are kept. "
        "If your session ends before you send it, what you type is kept in this browser, and the file has to be chosen "
        "again.",
    )
    alt_text = forms.CharField(
        label="The picture in words", max_length=1_000, required=False, help_text="For who does not see it."
    )
    title = forms.CharField(label="Title of the work", max_length=LINE, required=False)
    source = forms.CharField(label="DOI or address", max_length=1_000, required=False)
    quote = forms.CharField(label="The passage", max_length=1_000, required=False)
    interpretation = prose("What it says of the claim", longest=LONG, required=False)

    def __init__(self, *args: Any, jobs: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields["job"]
        choices.choices = [("", "–"), *jobs]

    def clean(self) -> dict[str, Any]:
        """One of the three ways, and no more."""
        given = super().clean() or self.cleaned_data
        chosen = [name for name in ("job", "known", "method") if given.get(name)]
        if len(chosen) != 1:
            raise forms.ValidationError("Choose one: a finished question, known evidence, or what you read or did.")
        return given

    def content(self, artifacts: Sequence[str]) -> dict[str, Any]:
        """The evidence that is made of what was read or done, with its artifacts."""
        given = self.cleaned_data
        content = {"method": given["method"], "interpretation": given["interpretation"]}
        if artifacts:
            content |= {"artifacts": [*artifacts], "alt_text": given["alt_text"]}
        if given["title"] or given["source"]:
            place = "url" if given["source"].startswith(("http://", "https://")) else "doi"
            reference = {"title": given["title"], place: given["source"], "quote": given["quote"]}
            content["reference"] = {name: value for name, value in reference.items() if value}
        return content


class Giving(forms.Form):
    """A finding, and what it says of which claim."""

    claim = forms.ChoiceField(label="The claim", widget=forms.RadioSelect)
    role = forms.ChoiceField(label="It", choices=ROLES, widget=forms.RadioSelect, initial="supports")
    facet = forms.ChoiceField(
        label="Which part of it",
        choices=[("", "all of it"), *Support.Facet.choices],
        required=False,
        help_text="Leave it, unless the finding speaks of one side of the claim only.",
    )
    interpretation = prose("What it says, in your words", longest=LONG, required=False)

    def __init__(self, *args: Any, claims: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields["claim"]
        choices.choices = claims
        choices.initial = claims[0][0] if len(claims) == 1 else None


class NewTerm(forms.Form):
    """A word that is added to the vocabulary."""

    slug = forms.CharField(
        label="Name in addresses", max_length=NAME, help_text="For ever: lower-case letters, digits and dashes."
    )
    label = forms.CharField(label="Label", max_length=80)
    definition = prose("Definition", longest=REASON, required=False)


class Renaming(forms.Form):
    """Another label for a word; the old one stays as a synonym."""

    version_tag = forms.CharField(widget=forms.HiddenInput, max_length=LINE)
    label = forms.CharField(label="Label", max_length=80)
    definition = prose("Definition", longest=REASON, required=False)
    synonyms = forms.CharField(label="Synonyms", required=False, help_text="Divided by commas.")

    def clean_synonyms(self) -> list[str]:
        """Each by itself."""
        return [word.strip() for word in self.cleaned_data["synonyms"].split(",") if word.strip()]


class Joining(forms.Form):
    """Two words that mean one."""

    into = forms.CharField(label="It means the same as", max_length=NAME, help_text="Another term’s name in addresses.")
