"""Owns what people type about themselves."""

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms

from tickets.models import User

if TYPE_CHECKING:
    UserForm = forms.ModelForm[User]
else:
    UserForm = forms.ModelForm


class AccountForm(UserForm):
    """How a person is called, and how pages look to them."""

    class Meta:
        model = User
        fields: ClassVar = ["first_name", "last_name", "theme", "shortcuts"]
        labels: ClassVar = {
            "first_name": "First name",
            "last_name": "Last name",
            "shortcuts": "Single-key shortcuts",
        }
        help_texts: ClassVar = {"first_name": "Shown to your teams in place of your user name."}


class DisplayForm(forms.Form):
    """Theme and shortcuts, as the menu and the list of keys send them."""

    theme = forms.ChoiceField(choices=User.Theme.choices)
    shortcuts = forms.ChoiceField(choices=[("on", "On"), ("off", "Off")])

    def wanted(self) -> dict[str, Any]:
        """Return the fields of the person's row; call on a valid form."""
        return {"theme": self.cleaned_data["theme"], "shortcuts": self.cleaned_data["shortcuts"] == "on"}
