"""What a reader finds in an Emergent app."""

from pathlib import Path

from small_apps import write

from freehold.builders.emergent.read import read
from freehold.core.inventory import Inventory

SERVER = """import os
import bcrypt
from motor.motor_asyncio import AsyncIOMotorClient
from emergentintegrations.llm.chat import LlmChat, UserMessage
from fastapi import FastAPI, APIRouter

db = AsyncIOMotorClient(os.environ['MONGO_URL'])[os.environ['DB_NAME']]
JWT_SECRET = os.environ.get("JWT_SECRET", "made up")
api_router = APIRouter(prefix="/api")

@api_router.get("/pots")
async def pots():
    return await db.pots.find({}, {"_id": 0}).to_list(100)

@api_router.post("/pots")
async def add(pot: dict):
    await db.pots.insert_one(pot)
    await db["audit_log"].insert_one({})
    await db[pot["kind"]].insert_one({})
    await db[name].count_documents({})
    chat = LlmChat(api_key=os.environ["EMERGENT_LLM_KEY"], session_id="1").with_model("openai", "gpt-5.2")
    httpx.get("https://demobackend.emergentagent.com/auth/v1/env/oauth/session-data")
"""
FILES = {
    ".emergent/emergent.yml": "{}",
    "backend/server.py": SERVER,
    "backend/server_test.py": "db.ghosts.find_one()\n",
    "backend/requirements.txt": "fastapi==0.110.1\nmotor==3.3.1\n# emergentintegrations==0.1.0\n",
    "frontend/package.json": '{"scripts": {"build": "craco build"}, "dependencies": {"react-scripts": "5.0.1"}}',
    "frontend/yarn.lock": "",
    "frontend/src/App.js": (
        'const api = process.env.REACT_APP_BACKEND_URL + "/api";\n<Route path="/pots" element={<Pots />} />;\n'
        "location.href = `https://auth.emergentagent.com/?redirect=${here}`;\n"
        'const old = "https://pots-1.preview.emergentagent.com";\n'
        'const logo = "https://customer-assets.emergentagent.com/job_x/logo.png";\n'
    ),
}


def _read(root: Path, changes: dict[str, str] | None = None) -> Inventory:
    return read(write(root, FILES | (changes or {})))


def _unknown(inventory: Inventory, what: str) -> str:
    return next((item.why for item in inventory.unknowns if item.what == what), "")


def test_both_halves_are_read_with_how_they_are_built_and_started(tmp_path: Path) -> None:
    inventory = _read(tmp_path)
    (front,) = inventory.frontends
    (server,) = inventory.servers
    assert inventory.generation == "fastapi-react"
    assert (front.root, front.framework, front.package_manager, front.output) == (
        "frontend",
        "create-react-app",
        "yarn",
        "build",
    )
    assert (server.framework, server.entry, server.routes) == ("fastapi", "backend/server.py", 2)
    assert server.start_command == ("uvicorn", "server:app")
    assert inventory.pages == ("/pots",)
    assert not inventory.served


def test_collections_are_inferred_from_calls_and_computed_names_are_counted(tmp_path: Path) -> None:
    inventory = _read(tmp_path)
    assert [(item.name, item.kind, item.declared, item.uses) for item in inventory.records] == [
        ("audit_log", "collection", False, 1),
        ("pots", "collection", False, 2),
    ]
    assert inventory.records[1].places[0].line == 13
    assert _unknown(inventory, "fields of the collections")
    assert _unknown(inventory, "computed names of collections").endswith("in 1 place")


def test_an_app_that_keeps_its_data_elsewhere_has_no_collections(tmp_path: Path) -> None:
    files = {
        "backend/server.py": "import libsql_experimental\ndb.pots.find_one()\n",
        "backend/requirements.txt": "fastapi\nlibsql-experimental>=0.0.41\n",
    }
    inventory = _read(tmp_path, files)
    assert inventory.records == ()
    assert [item.service for item in inventory.third_parties] == ["Turso"]


def test_services_of_the_platform_are_found_by_address_and_by_package(tmp_path: Path) -> None:
    inventory = _read(tmp_path)
    found = {(item.service, item.places[0].path) for item in inventory.builder_services}
    assert found == {
        ("AI gateway", "backend/server.py"),
        ("Google sign-in", "backend/server.py"),
        ("Google sign-in", "frontend/src/App.js"),
    }
    assert [(call.through, call.models) for call in inventory.ai_calls] == [("LlmChat", ("openai/gpt-5.2",))]
    assert inventory.sign_in_methods == ("emergent:google", "password")
    assert {item.what for item in inventory.breaks} == {
        "Google sign-in",
        "AI gateway",
        "data in MongoDB",
        "1 file in Emergent's store",
        "links to the app's address at Emergent",
    }


def test_names_that_the_owner_must_set_are_told_from_those_that_are_supplied(tmp_path: Path) -> None:
    inventory = _read(tmp_path)
    assert inventory.secrets == ("JWT_SECRET",)
    kinds = {(item.name, item.kind) for item in inventory.environment}
    assert {("MONGO_URL", "os.environ"), ("REACT_APP_BACKEND_URL", "process.env")} <= kinds
    assert "made up" not in repr(inventory)


def test_an_expo_front_end_has_screens_and_a_shell(tmp_path: Path) -> None:
    changes = {
        "frontend/package.json": '{"dependencies": {"expo": "~54.0.0"}}',
        "frontend/app/index.tsx": "",
        "frontend/app.json": "{}",
    }
    inventory = _read(tmp_path, changes)
    assert (inventory.generation, inventory.pages) == ("fastapi-expo", ("/",))
    assert [shell.kind for shell in inventory.native_shells] == ["expo"]
