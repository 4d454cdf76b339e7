"""What sign-up, sign-in and sign-out are called on pages, in the languages that apps are written in."""

import re

_SIGN_UP = (
    r"sign[\s-]?up|create (an |your |my |free )*(new )?account|register(?!ed)|registration|get started|"
    r"join( us| now| free| today)?$|become a member|new account|start (free|now|your)|try (it )?free|"
    r"registrier|konto erstellen|anlegen|jetzt starten|registrar|reg[ií]strate|crear (una )?cuenta|criar (uma )?conta|"
    r"cadastr|inscription|s.inscrire|cr[ée]er (un |mon )?compte|commencer|registrati|crea (un )?account|iscriviti|"
    r"registreren|account aanmaken|aan de slag|kay[\u0131i]t ol|hesap olu[şs]tur|зарегистр|регистрац|注册|註冊|登録|"
    r"साइन अप|إنشاء حساب|تسجيل جديد|daftar"
)
_SIGN_IN = (
    r"sign[\s-]?in|log[\s-]?in|login|anmelden|einloggen|iniciar sesi[óo]n|acceder|ingresar|entrar|acessar|connexion|"
    r"se connecter|accedi|inloggen|giri[şs]|войти|вход|登录|登入|ログイン|लॉग ?इन|تسجيل الدخول|masuk"
)
_SIGN_OUT = (
    r"sign[\s-]?out|log[\s-]?out|log[\s-]?off|logout|abmelden|ausloggen|cerrar sesi[óo]n|salir|^sair|desconectar|"
    r"d[ée]connexion|se d[ée]connecter|esci|uitloggen|afmelden|[çc][\u0131i]k[\u0131i][şs]|выйти|выход|"
    r"退出|登出|ログアウト|"
    r"लॉग ?आउट|تسجيل الخروج|keluar"
)
_BY_OTHERS = r"google|apple|github|facebook|microsoft|twitter|discord|linkedin|wallet|passkey|sso|guest|demo|phone|sms"
_BY_MAIL = r"(with|use|via|using|mit|par|con|com|met) (an? |your |my )?e-?mail|e-?mail (and|&) password|magic link"
_HARMFUL = (
    r"delete|remove|l[öo]schen|eliminar|excluir|supprimer|verwijder|reset|revoke|export|download|print|pay|buy|checkout"
)
_ACCEPT = (
    r"accept|agree|got it|understood|okay|^ok$|akzept|zustimm|aceptar|aceitar|accepter|accetta|akkoord|close|dismiss"
)
_ACCEPT += r"|skip|not now|maybe later|no thanks|schlie|überspringen|cerrar|fechar|fermer|\u00d7|✕"
_ONWARD = (
    r"continue|next|proceed|weiter|continuar|siguiente|pr[óo]xim|suivant|continuer|avanti|verder|volgende|finish|done"
)
_ONWARD += r"|submit|confirm|verify|complete|save|send|^start|begin|launch|let.s go|enter (the|your)|skip"

_SET_UP = (
    r"^(create|add|join|open|explore|enter|use|try|choose|select)\b|go to|dashboard|get started|got it|agree|accept|"
    r"ready|no thanks|not now|later|erstellen|anlegen|crear|criar|cr[ée]er|empezar|come[cç]ar|commencer|los geht"
)
_BACK = (
    r"^(go )?back|previous|cancel|zur[üu]ck|abbrechen|volver|atr[áa]s|voltar|anterior|retour|annuler|indietro|terug|←$"
)
_TO_CHOOSE = (
    r"^(please )?(select|choose|pick)\b|^(bitte )?(ausw|w[äa]hle)|^selecc?ion|^eleg|^escolh|^choisi|^scegli|^kies"
)

_ROLE = r"student|customer|client|user|member|donor|individual|personal|buyer|seeker|tenant|parent|i.m a"
_ROLE += r"|i am a|join as|as an? "

SIGN_UP = re.compile(_SIGN_UP, re.IGNORECASE)
SIGN_IN = re.compile(_SIGN_IN, re.IGNORECASE)
SIGN_OUT = re.compile(_SIGN_OUT, re.IGNORECASE)
BY_OTHERS = re.compile(_BY_OTHERS, re.IGNORECASE)
BY_MAIL = re.compile(_BY_MAIL, re.IGNORECASE)
HARMFUL = re.compile(_HARMFUL, re.IGNORECASE)
ACCEPT = re.compile(_ACCEPT, re.IGNORECASE)
ONWARD = re.compile(_ONWARD, re.IGNORECASE)
SET_UP = re.compile(_SET_UP, re.IGNORECASE)
BACK = re.compile(_BACK, re.IGNORECASE)
TO_CHOOSE = re.compile(_TO_CHOOSE, re.IGNORECASE)
ROLE = re.compile(_ROLE, re.IGNORECASE)
NEWSLETTER = re.compile(r"subscribe|newsletter|waitlist|abonnieren|suscri|assinar", re.IGNORECASE)
ACCOUNT = re.compile(
    r"profile|account|settings|perfil|cuenta|conta\b|profil|konto|einstellungen|ajustes", re.IGNORECASE
)
BACK_DOORS = re.compile(r"forgot|reset|callback|verify|confirm|consent|invite|unauthori|update", re.IGNORECASE)
DOORS = re.compile(
    r"sign-?up|register|registr|signin|sign-?in|log-?in|auth|join|account|welcome|onboard|cadastr|inscri", re.IGNORECASE
)
"""Paths behind which an app keeps its sign-up."""
