"""A folder of CSV files as table views export them, and the types.ts that goes with it."""

from pathlib import Path

TYPES = """
export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[]
export type Database = {
  public: {
    Tables: {
      notes: {
        Row: { id: number; title: string; body: string | null; at: string | null; tags: string[]; extra: Json | null;
               state: Database["public"]["Enums"]["state"]; list_id: string | null }
        Insert: { id?: number; title: string; body?: string | null; at?: string | null; tags?: string[];
                  extra?: Json | null; state: Database["public"]["Enums"]["state"]; list_id?: string | null }
        Update: { id?: number }
        Relationships: [{ foreignKeyName: "notes_list_id_fkey"; columns: ["list_id"]; isOneToOne: false;
                          referencedRelation: "lists"; referencedColumns: ["id"] }]
      }
      lists: { Row: { id: string; name: string }; Insert: { id?: string; name: string }; Update: { id?: string }
               Relationships: [] }
    }
    Views: { [_ in never]: never }
    Functions: { [_ in never]: never }
    Enums: { state: "open" | "done" }
    CompositeTypes: { [_ in never]: never }
  }
}
"""
NOTES = (
    "id,title,body,at,tags,extra,state,list_id\r\n"
    '1,"a, ""quoted""\nline\ttab \\ slash",,2026-01-31T12:00:00+02:00,"[""a"",""b,c""]","{""k"": 1,  ""b"":2}",open,'
    "11111111-1111-4111-8111-111111111111\r\n"
    '7,,text,,"{x,y}",,done,\r\n'
)


def csv_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "csv"
    folder.mkdir()
    (folder / "notes_rows.csv").write_bytes(b"\xef\xbb\xbf" + NOTES.encode())
    (folder / "lists.csv").write_text("id,name\n11111111-1111-4111-8111-111111111111,First\n")
    return folder
