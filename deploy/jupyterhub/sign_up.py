"""Who may have an account: nativeauthenticator's, with the class's code, behind JupyterHub's own login page.

nativeauthenticator 1.3.0 has a login page of its own, on which JupyterHub 6 answers 500.
"""

import asyncio
from secrets import compare_digest

from jupyterhub.handlers.login import LoginHandler
from nativeauthenticator import NativeAuthenticator
from nativeauthenticator.handlers import SignUpHandler
from traitlets import Unicode

INSTRUCTOR = "instructor"  # the account of HUB_ADMIN_PASSWORD; nobody signs up with this name
LONGEST = 72  # bytes that bcrypt reads of a password
FIELDS = ("username", "signup_password", "class_code")


class ClassAuthenticator(NativeAuthenticator):
    """Whoever signed up with the class's code logs in with a name and a password of their own."""

    class_code = Unicode(config=True)
    admin_password = Unicode(config=True)

    def __init__(self, **settings):
        super().__init__(**settings)
        if self.admin_password and not self.change_password(INSTRUCTOR, self.admin_password):
            self.create_user(INSTRUCTOR, self.admin_password)
        if self.admin_password and not self.get_user(INSTRUCTOR):
            raise ValueError("HUB_ADMIN_PASSWORD is one that many people have. Take another one.")

    def get_handlers(self, app):
        ours = {"/login": LoginHandler, "/signup": SignUp}
        return [(route, ours.get(route, page)) for route, page in super().get_handlers(app)]

    async def authenticate(self, handler, data):
        if len(data.get("password", "").encode()) > LONGEST:
            return None  # bcrypt would raise
        return await super().authenticate(handler, data)

    def is_password_strong(self, password):
        return len(password.encode()) <= LONGEST and super().is_password_strong(password)

    def refusal(self, name: str, password: str, code: str) -> str:
        """Why nobody gets an account with these; nothing where they are good."""
        name = self.normalize_username(name)
        if not compare_digest(code.strip().encode(), self.class_code.encode()):
            return "This is not the code of this class. Ask your instructor."
        if not self.validate_username(name):
            return "A name has at most 40 letters, digits or signs of . _ - @ +, and begins with a letter or digit."
        if name == INSTRUCTOR or name in self.blocked_users or self.user_exists(name):
            return f"The name {name} is taken. Choose another one."
        if not self.minimum_password_length <= len(password.encode()) <= LONGEST:
            return f"A password has {self.minimum_password_length} to {LONGEST} signs."
        if not self.is_password_strong(password):
            return "Many people have this password, or it is too short. Choose another one."
        return ""


class SignUp(SignUpHandler):
    """The page on which people choose a name and a password, once."""

    async def post(self):
        given = {one: self.get_body_argument(one, "", strip=False) for one in FIELDS}
        self.authenticator.post_auth_hook(self.authenticator, self, None)
        if why := self.authenticator.refusal(*given.values()):
            await asyncio.sleep(1)  # who tries codes or names shall need years
            page = await self.render_template(
                "signup.html", alert="alert-danger", result_message=why
            )
            return self.finish(page)
        await super().post()
