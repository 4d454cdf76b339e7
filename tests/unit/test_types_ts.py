import pytest

from freehold.core.errors import BadUsage
from freehold.data.schema import guesses, types_ts
from freehold.data.schema.relations import Relations
from freehold.data.schema.types_ts import Column, Table

GENERATED = """
export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[]

export type Database = {
  // Allows to automatically instantiate createClient with right options
  __InternalSupabase: {
    PostgrestVersion: "14.1"
  }
  public: {
    Tables: {
      notes: {
        Row: {
          id: string
          "odd name": string | null
          labels: string[]
          score: number | null
          state: Database["public"]["Enums"]["note_state"]
          states: Database["public"]["Enums"]["note_state"][] | null
          total: number
          user_id: string
          written_at: string
        }
        Insert: {
          id?: string
          "odd name"?: string | null
          labels?: string[]
          score?: number | null
          state?: Database["public"]["Enums"]["note_state"]
          states?: Database["public"]["Enums"]["note_state"][] | null
          total?: never
          user_id: string
          written_at?: string
        }
        Update: {
          id?: string
        }
        Relationships: [
          {
            foreignKeyName: "notes_folder_fkey"
            columns: ["user_id"]
            isOneToOne: true
            referencedRelation: "profiles"
            referencedColumns: ["id"]
          },
        ]
      }
      profiles: {
        Row: { id: string }
        Insert: { id: string }
        Update: { id?: string }
        Relationships: []
      }
    }
    Views: {
      note_view: {
        Row: { id: string | null }
        Relationships: []
      }
    }
    Functions: {
      has_role: {
        Args: { _role: Database["public"]["Enums"]["note_state"]; _user?: string }
        Returns: boolean
      }
      search:
        | { Args: { term: string }; Returns: { id: string; rank: number }[] }
        | { Args: { term: string; most: number }; Returns: { error: true } & "Could not choose" }
      nothing: { Args: never; Returns: undefined }
    }
    Enums: {
      note_state: "draft" | "done"
    }
    CompositeTypes: {
      [_ in never]: never
    }
  }
  private: {
    Tables: { [_ in never]: never }
    Views: { [_ in never]: never }
    Functions: { [_ in never]: never }
    Enums: { level: "low" | "high" }
    CompositeTypes: { pair: { left: number | null; right: string } }
  }
}

type DatabaseWithoutInternals = Omit<Database, "__InternalSupabase">

export const Constants = {
  public: {
    Enums: {
      note_state: ["draft", "done"],
    },
  },
} as const
"""


def as_prettier_writes_it(text: str) -> str:
    """End every member with a semicolon."""
    lines = text.split("\n")
    for number, line in enumerate(lines[:-1]):
        continues = lines[number + 1].lstrip().startswith("|") or line.rstrip().endswith(("{", "[", ",", ":"))
        if line.startswith("  ") and "//" not in line and not continues:
            lines[number] = line + ";"
    return "\n".join(lines).replace("      },;", "      },")


@pytest.fixture(params=["as generated", "with semicolons", "with Windows line ends", "as an interface"])
def text(request: pytest.FixtureRequest) -> str:
    return {
        "as generated": GENERATED,
        "with semicolons": as_prettier_writes_it(GENERATED),
        "with Windows line ends": GENERATED.replace("\n", "\r\n"),
        "as an interface": GENERATED.replace("export type Database = {", "export interface Database {"),
    }[request.param]


def test_tables_views_functions_enums_and_composites_are_read_from_every_schema(text: str) -> None:
    types = types_ts.read(text)
    public = types.schemas["public"]
    assert types.postgrest_version == "14.1"
    assert [*types.schemas] == ["public", "private"]
    assert [*public.tables] == ["notes", "profiles"]
    assert [*public.views] == ["note_view"]
    assert [*public.functions] == ["has_role", "search", "nothing"]
    assert public.enums == {"note_state": ("draft", "done")}
    assert types.schemas["private"].enums == {"level": ("low", "high")}
    assert [column.nullable for column in types.schemas["private"].composites["pair"]] == [True, False]


def test_a_column_says_what_an_insert_may_leave_out(text: str) -> None:
    columns = {column.name: column for column in types_ts.read(text).schemas["public"].tables["notes"].columns}
    assert columns["id"] == Column(name="id", type="string", nullable=False, defaulted=True)
    assert columns["odd name"] == Column(name="odd name", type="string", nullable=True)
    assert columns["labels"].type == "string[]"
    assert columns["state"].type == "enum public.note_state"
    assert columns["states"] == Column(name="states", type="enum public.note_state[]", nullable=True)
    assert columns["total"].generated
    assert not columns["user_id"].defaulted


def test_relationships_and_overloads_are_read(text: str) -> None:
    public = types_ts.read(text).schemas["public"]
    (relationship,) = public.tables["notes"].relationships
    assert (relationship.referenced, relationship.columns, relationship.one_to_one) == ("profiles", ("user_id",), True)
    (has_role,) = public.functions["has_role"]
    assert has_role.arguments == {"_role": "enum public.note_state", "_user": "string"}
    assert has_role.optional == {"_user"}
    assert [len(item.arguments) for item in public.functions["search"]] == [1, 2]
    assert public.functions["nothing"][0].arguments == {}


def test_a_file_without_a_database_has_no_schemas() -> None:
    assert types_ts.read("export const a = 1\n").schemas == {}
    assert types_ts.read("").schemas == {}


@pytest.mark.parametrize("cut", [300, 700, 1500])
def test_a_file_that_breaks_off_is_refused_with_its_line(cut: int) -> None:
    with pytest.raises(BadUsage, match=r"cannot be read at line \d+"):
        types_ts.read(GENERATED[:cut])


def test_a_file_that_nests_without_end_is_refused() -> None:
    with pytest.raises(BadUsage):
        types_ts.read("export type Database = " + "{ a: " * 5000)


def guessed(name: str, type_: str, known: dict[tuple[str, str], str] | None = None, **more: bool) -> guesses.Guess:
    column = Column(name=name, type=type_, nullable=more.pop("nullable", False), **more)
    return guesses.guess(Table(name="notes", columns=(column,)), column, known or {})


def test_types_are_guessed_by_name_and_in_doubt_lose_nothing() -> None:
    assert guessed("id", "string", defaulted=True).default == "gen_random_uuid()"
    assert guessed("id", "number", defaulted=True).identity
    assert guessed("user_id", "string").type == "uuid"
    assert guessed("stripe_customer_id", "string").type == "text"
    assert guessed("created_at", "string", defaulted=True).type == "timestamp with time zone"
    assert guessed("birth_date", "string").type == "text"
    assert guessed("total", "number").type == "numeric"
    assert guessed("meta", "Json").type == "jsonb"
    assert guessed("tags", "string[]").type == "text[]"
    assert guessed("state", "enum public.Odd").type == '"public"."Odd"'
    assert guessed("where", "unknown").type == "text"


def test_a_column_that_refers_takes_the_type_of_what_it_refers_to() -> None:
    schema = types_ts.read(GENERATED).schemas["public"]
    known = guesses.known_types(schema, Relations(tables={}, views={}, functions={}, enums={}))
    table = schema.tables["notes"]
    column = next(item for item in table.columns if item.name == "user_id")
    assert guesses.guess(table, column, known | {("profiles", "id"): "bigint"}).type == "bigint"


def test_a_default_that_nobody_knows_is_not_invented() -> None:
    guess = guessed("status", "string", defaulted=True)
    assert (guess.default, guess.not_null) == ("", False)
    assert "default that types.ts does not tell" in guess.why
