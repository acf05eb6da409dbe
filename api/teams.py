"""Teams, their members and the invitations to them."""

from rest_framework.request import Request
from rest_framework.response import Response

from api import shapes
from api.conditions import version_seen
from api.endpoint import Endpoint
from api.idempotency import idempotent
from api.pagination import page
from api.schema import Written, operation
from atlas.dossiers import people as dossiers
from atlas.dossiers.bodies import body
from atlas.errors import NoSuchMember, Validation
from atlas.models import Contributor, Role
from atlas.permissions import require
from atlas.services import teams
from atlas.validation import closed

ROLES = [role.label for role in Role]


NAME = {"type": "string", "minLength": 1, "maxLength": 120, "description": "As people read it."}
ROLE = {"type": "string", "enum": ROLES, "description": "What one may do; each role includes those before it."}


class WantedTeam(Written):
    """A team that is founded."""

    judged_by = closed(
        "A new team.",
        slug={"type": "string", "maxLength": 39, "description": "Its name in addresses, for ever."},
        name=NAME,
        optional={"admin": {"type": "string", "maxLength": 39, "description": "Its first admin, by handle."}},
    )


class EditedTeam(Written):
    """What is to be different about a team."""

    judged_by = {
        **closed(
            "At least one of them; both are done or neither.",
            optional={
                "name": NAME,
                "blind_review": {
                    "type": "boolean",
                    "description": "Whether nobody is shown what others think of its claims before they have said what "
                    "they think themselves, or it is decided.",
                },
            },
        ),
        "minProperties": 1,
    }


class NewRole(Written):
    """A member's new role."""

    judged_by = closed("Another role.", role=ROLE)


class WantedInvitation(Written):
    """An invitation that is made."""

    judged_by = closed(
        "An invitation.",
        role=ROLE,
        optional={
            "uses": {"type": "integer", "minimum": 1, "maximum": 500, "default": 1, "description": "For how many."},
            "days": {
                "type": "integer",
                "minimum": 1,
                "maximum": 90,
                "default": 14,
                "description": "How long it holds.",
            },
        },
    )


class Teams(Endpoint):
    """The teams of who asks."""

    @operation("list_teams", shapes.TeamPage, 401)
    def get(self, request: Request) -> Response:
        """List my teams, my personal space first."""
        return page(request, dossiers.teams_of(self.person))

    @operation("found_team", shapes.Team, codes=(201,), given=WantedTeam, writes=True)
    @idempotent
    def post(self, request: Request) -> Response:
        """Found a team, as the operator."""
        person = self.person
        require(person, "team.found", None)
        given = self.given(WantedTeam.judged_by)
        admin = Contributor.objects.filter(handle=given["admin"]).first() if "admin" in given else None
        if "admin" in given and admin is None:
            fault = {"pointer": "/admin", "code": "no-such-person", "detail": "There is nobody of this handle."}
            raise Validation(errors=[fault])
        team = teams.found(actor=person, slug=given["slug"], name=given["name"], admin=admin)
        place = {"Location": f"/api/v1/teams/{team.slug}"}
        return Response(body(dossiers.team(team.slug, actor=person)), status=201, headers=place)


class OneTeam(Endpoint):
    """One team."""

    @operation("read_team", shapes.Team, 401, 404)
    def get(self, request: Request, team: str) -> Response:
        """Its name, its size, and what I am in it."""
        return Response(body(dossiers.team(team, actor=self.person)))

    @operation("edit_team", shapes.Team, 404, 409, 412, 428, given=EditedTeam, writes=True)
    def patch(self, request: Request, team: str) -> Response:
        """Give it another name, or let it review blind; If-Match names the version I saw."""
        person = self.person
        row = teams.find(team, actor=person)
        require(person, "team.rename", row)
        seen, given = version_seen(request, current=row.version_tag), self.given(EditedTeam.judged_by)
        teams.edit(actor=person, team=row, based_on=seen, **given)
        return Response(body(dossiers.team(team, actor=person)))


class Members(Endpoint):
    """The members of a team."""

    @operation("list_members", shapes.MemberPage, 401, 404)
    def get(self, request: Request, team: str) -> Response:
        """List them by role and handle."""
        person = self.person
        return page(request, dossiers.members_of(teams.find(team, actor=person), actor=person))


class OneMember(Endpoint):
    """One member of a team."""

    @operation("set_role", shapes.Member, 404, 409, 412, 428, given=NewRole, writes=True)
    def patch(self, request: Request, team: str, handle: str) -> Response:
        """Give them another role, up to my own; If-Match names the version I saw."""
        person = self.person
        row = teams.find(team, actor=person)
        require(person, "team.set-role", row)
        member = _contributor(handle)
        current = teams.membership_of(person, "team.set-role", row, member).version_tag
        seen, given = version_seen(request, current=current), self.given(NewRole.judged_by)
        role = Role[given["role"].upper()]
        changed = teams.set_role(actor=person, team=row, member=member, role=role, based_on=seen)
        return Response(body(dossiers.member(changed)))

    @operation("remove_member", None, 404, 409, codes=(204,), writes=True)
    def delete(self, request: Request, team: str, handle: str) -> Response:
        """Remove them; or leave, when it is me."""
        person = self.person
        row, _ = teams.find(team, actor=person), self.given()
        teams.remove(actor=person, team=row, member=_contributor(handle))
        return Response(status=204)


class Invitations(Endpoint):
    """The invitations to a team."""

    @operation("list_invitations", shapes.InvitationPage, 401, 404)
    def get(self, request: Request, team: str) -> Response:
        """List them, newest first; never their secrets."""
        person = self.person
        row = teams.find(team, actor=person)
        require(person, "team.invite", row)
        return page(request, dossiers.invitations_of(row))

    @operation("invite", shapes.NewInvitation, 404, 409, codes=(201,), given=WantedInvitation, writes=True, secret=True)
    def post(self, request: Request, team: str) -> Response:
        """Invite somebody, in a role up to my own. The secret is in this answer and nowhere else."""
        person = self.person
        row = teams.find(team, actor=person)
        require(person, "team.invite", row)
        given = self.given(WantedInvitation.judged_by)
        bounds = {name: given[name] for name in ("uses", "days") if name in given}
        made, shown = teams.invite(actor=person, team=row, role=Role[given["role"].upper()], **bounds)
        answer = Response(body(dossiers.new_invitation(made, shown=shown)), status=201)
        answer["Cache-Control"] = "no-store"
        return answer


class OneInvitation(Endpoint):
    """One invitation to a team."""

    @operation("revoke_invitation", None, 404, codes=(204,), writes=True)
    def delete(self, request: Request, team: str, prefix: str) -> Response:
        """Nobody joins by it any more."""
        person = self.person
        row = teams.find(team, actor=person)
        self.given()
        teams.revoke_invitation(actor=person, team=row, prefix=prefix)
        return Response(status=204)


def _contributor(handle: str) -> Contributor:
    found = Contributor.objects.filter(handle=handle[:39]).first()
    if found is None:
        raise NoSuchMember(member=handle[:80])
    return found
