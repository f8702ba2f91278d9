"""Labels: saved means in the vault, refused means forgotten, and a label stays with its cell whatever happens to the dataset."""

from __future__ import annotations

import threading
from typing import Any

from viewer_app import WithGate

from cxod_viewer.gene_sets import GeneSetsUnreadable
from cxod_viewer.labels import LabelsUnreadable
from cxod_viewer.task_socket import GateError

CELLS = ["a", "b", "c", "d"]
TYPES = {"type": ["T", "B", "unassigned", "T"]}


class Saving(WithGate):
    def test_a_save_is_in_the_vault_and_seen_by_the_next_viewer(self) -> None:
        path = self.file(CELLS)
        first = self.open(path)
        self.assertEqual(first.writable(), {})
        self.assertEqual(first.save(TYPES, "save-1").json, {"status": "OK"})
        put = self.gate.puts[0]
        self.assertEqual((put.kind, put.save_id), ("labels", "save-1"))
        self.assertEqual(put.body, b"index,type\na,T\nb,B\nc,unassigned\nd,T\n")
        for client in (first, self.open(path)):
            self.assertEqual(
                client.writable()["type"],
                {"name": "type", "writable": True, "type": "categorical", "categories": ["B", "T", "unassigned"]},
            )
            self.assertEqual(client.labels("type"), TYPES)

    def test_the_same_labels_are_the_same_bytes(self) -> None:
        path = self.file(CELLS)
        self.open(path).save(TYPES)
        again = self.open(path)
        again.save(TYPES)
        again.save(TYPES)
        self.assertEqual(len({put.body for put in self.gate.puts}), 1)
        self.assertEqual(len(self.gate.puts), 3)

    def test_refused_is_seen_and_forgotten(self) -> None:
        client = self.open(self.file(CELLS))
        client.save(TYPES)
        for status, shown in ((412, 412), (409, 409), (413, 413), (500, 503), (302, 503)):
            self.gate.refuse = status
            answer = client.save({"type": ["X"] * 4}, "save-2")
            self.assertEqual(answer.status_code, shown)
            self.assertEqual(answer.headers["x-save-id"], "save-2")
            self.assertIn("not saved", answer.json["message"])
            self.assertEqual(client.labels("type"), TYPES)
        self.gate.refuse = None
        self.assertEqual(client.save({"type": ["X"] * 4}).status_code, 200)
        self.assertEqual(client.labels("type"), {"type": ["X"] * 4})

    def test_a_lost_answer_counts_as_refused_and_the_repeat_succeeds(self) -> None:
        client = self.open(self.file(CELLS))
        self.gate.refuse = "lost"
        self.assertEqual(client.save(TYPES, "one").status_code, 503)
        self.assertEqual(client.writable(), {})
        self.gate.refuse = None
        self.assertEqual(client.save(TYPES, "two").status_code, 200)
        self.assertEqual(self.gate.puts[0].body, self.gate.puts[1].body)
        self.assertEqual(client.labels("type"), TYPES)

    def test_a_gate_that_is_gone(self) -> None:
        client = self.open(self.file(CELLS))
        client.save(TYPES)
        self.gate.__exit__()
        self.assertEqual(client.save({"type": ["X"] * 4}).status_code, 503)
        self.assertEqual(client.labels("type"), TYPES)

    def test_one_save_at_a_time_and_reads_do_not_wait(self) -> None:
        client = self.open(self.file(CELLS))
        client.save(TYPES)
        self.gate.hold.clear()
        threads = [threading.Thread(target=client.save, args=({"type": [str(n)] * 4},)) for n in range(4)]
        for thread in threads:
            thread.start()
        with self.gate.changed:
            self.assertTrue(self.gate.changed.wait_for(lambda: len(self.gate.puts) == 2, 60))
        self.assertEqual(client.labels("type"), TYPES)
        self.gate.hold.set()
        for thread in threads:
            thread.join()
        self.assertEqual(self.gate.most_at_once, 1)
        self.assertEqual(client.labels("type")["type"][0].encode(), self.gate.vault["labels"].split(b",")[2].split(b"\n")[0])

    def test_deleting_the_last_category_keeps_an_empty_table(self) -> None:
        path = self.file(CELLS)
        client = self.open(path)
        client.save(TYPES)
        self.assertEqual(client.save({}).status_code, 200)
        self.assertEqual(self.gate.vault["labels"], b"")
        for opened in (client, self.open(path)):
            self.assertEqual(opened.writable(), {})
            self.assertEqual(opened.labels("depth"), {"depth": [0, 1, 2, 3]})

    def test_columns_of_the_dataset_and_labels_together(self) -> None:
        client = self.open(self.file(CELLS))
        client.save(TYPES)
        self.assertEqual(client.labels("type", "depth"), {**TYPES, "depth": [0, 1, 2, 3]})
        unknown = client.http.get("/api/v0.2/annotations/obs?annotation-name=nothing", headers={"Accept": "application/octet-stream"})
        self.assertEqual(unknown.status_code, 400)

    def test_what_cellxgene_refuses_never_reaches_the_vault(self) -> None:
        client = self.open(self.file(CELLS))
        self.assertEqual(client.save({"depth": ["x"] * 4}).status_code, 400)  # a column of the dataset
        self.assertEqual(client.save({"type": ["x"] * 3}).status_code, 400)  # a cell too few
        self.assertEqual(client.save({"type": [0.5, 1, 2, 3]}).status_code, 400)
        self.assertEqual(self.gate.puts, [])


class LookingOnly(WithGate):
    def test_nothing_is_offered_and_nothing_is_saved(self) -> None:
        client = self.open(self.file(CELLS), writable=False)
        parameters = client.http.get("/api/v0.2/config").json["config"]["parameters"]
        # By the first the page shows no "Create new category"; by both it never saves by itself.
        self.assertIs(parameters["annotations"], False)
        self.assertIs(parameters["annotations_genesets_readonly"], True)
        self.assertIs(parameters["disable-diffexp"], False)
        self.assertEqual(client.save(TYPES).status_code, 501)
        self.assertEqual(client.save_gene_sets([]).status_code, 501)
        self.assertEqual(self.gate.puts, [])
        self.assertEqual(client.labels("depth"), {"depth": [0, 1, 2, 3]})
        self.assertEqual(client.gene_sets()["genesets"], [])


class ByName(WithGate):
    def test_a_dataset_that_changed_keeps_labels_with_their_cells(self) -> None:
        self.open(self.file(CELLS)).save(TYPES)
        changed = self.open(self.file(["new", "d", "b"]))
        self.assertEqual(changed.labels("type"), {"type": ["unassigned", "T", "B"]})
        changed.save({"type": ["B", "T", "B"], "extra": ["x", "y", "z"]})
        # Back to the first: cells that the other file did not have are as they were.
        self.assertEqual(
            self.open(self.file(CELLS)).labels("type", "extra"),
            {"type": ["T", "B", "unassigned", "T"], "extra": ["unassigned", "z", "unassigned", "y"]},
        )
        self.assertIn(b"new,B,x", self.gate.vault["labels"])

    def test_a_renamed_category_takes_absent_cells_along_and_a_deleted_one_does_not(self) -> None:
        self.open(self.file(CELLS)).save({"type": TYPES["type"], "other": list("wxyz")})
        fewer = self.open(self.file(["a", "b"]))
        fewer.save({"kind": ["T", "B"]})
        back = self.open(self.file(CELLS))
        self.assertEqual(back.labels("kind"), {"kind": TYPES["type"]})
        self.assertEqual(list(back.writable()), ["kind"])

    def test_a_dataset_column_named_like_a_category(self) -> None:
        self.open(self.file(CELLS)).save(TYPES)
        client = self.open(self.file(CELLS, obs={"type": [1, 2, 3, 4], "type (label)": [1, 1, 1, 1]}))
        self.assertEqual(client.labels("type"), {"type": [1, 2, 3, 4]})
        self.assertEqual(client.labels("type (label 2)"), {"type (label 2)": TYPES["type"]})

    def test_words_that_csv_or_readers_might_change(self) -> None:
        path = self.file(CELLS)
        words = ["a,b", 'say "x"', "two\nlines", "cr\rhere", "#hash", "NA", "null", "nan", "1.0", "007", " padded ", "日本", "=1+1", "-"]
        for start in range(0, len(words), 2):
            pair = {"type": [words[start], words[start + 1]] * 2, "#odd, name": ["x", "y", "x", "y"], "index": list("pqrs")}
            self.open(path).save(pair)
            with self.subTest(words=words[start : start + 2]):
                self.assertEqual(self.open(path).labels("type", "%23odd, name", "index"), pair)

    def test_cells_with_odd_names(self) -> None:
        cells = ["#1", 'q"', "comma,cell", " "]
        self.open(self.file(cells)).save(TYPES)
        self.assertEqual(self.open(self.file(cells[::-1])).labels("type"), {"type": TYPES["type"][::-1]})

    def test_labels_without_a_word_are_unassigned(self) -> None:
        path = self.file(CELLS)
        client = self.open(path)
        client.save({"type": ["T", None, "", "B"]})
        for opened in (client, self.open(path)):
            self.assertEqual(opened.labels("type"), {"type": ["T", "unassigned", "unassigned", "B"]})

    def test_numbers_look_the_same_before_and_after_a_relaunch(self) -> None:
        path = self.file(CELLS)
        client = self.open(path)
        client.save({"copied": [3.0, 1.0, 3.0, 2.0]})  # the page sends copied integers as floats
        for opened in (client, self.open(path)):
            self.assertEqual(opened.labels("copied"), {"copied": ["3", "1", "3", "2"]})

    def test_a_file_written_by_cellxgene_is_read(self) -> None:
        path = self.file(CELLS)
        theirs = self.open_cellxgene(path)
        theirs.save(TYPES)
        with open(f"{path}.labels.csv", "rb") as written:
            self.gate.vault["labels"] = written.read()
        self.assertTrue(self.gate.vault["labels"].startswith(b"# Annotations"))
        self.assertEqual(self.open(path).labels("type"), self.open_cellxgene(path).labels("type"))
        self.assertEqual(self.open(path).writable(), self.open_cellxgene(path).writable())

    def test_what_is_no_table_stops_the_start_instead_of_being_replaced(self) -> None:
        path = self.file(CELLS)
        bad: list[tuple[bytes, str]] = [
            (b"index,type\na,T\na,B\n", "twice"),
            (b"index,type,type\na,T,B\n", "same name"),
            (b"index,type\na,T,surplus\n", "no table"),
            (b"index,type\na,\xff\n", "no table"),
            (b'index,type\na,"open\n', "no table"),
        ]
        for body, words in bad:
            self.gate.vault["labels"] = body
            with self.subTest(body=body), self.assertRaisesRegex(LabelsUnreadable, words):
                self.open(path)

    def test_a_vault_that_does_not_answer_stops_the_start(self) -> None:
        path = self.file(CELLS)
        self.gate.blocked = 500
        with self.assertRaises(GateError):
            self.open(path)


class Reloading(WithGate):
    def test_the_vault_changed_under_a_live_viewer(self) -> None:
        client = self.open(self.file(CELLS))
        client.save(TYPES)
        self.gate.vault["labels"] = b"index,restored\nb,yes\n"
        self.assertEqual(client.http.post("/-/reload", json={"kind": "labels"}).status_code, 200)
        self.assertEqual(client.labels("restored"), {"restored": ["unassigned", "yes", "unassigned", "unassigned"]})
        self.assertEqual(list(client.writable()), ["restored"])

    def test_a_reload_that_fails_changes_nothing(self) -> None:
        client = self.open(self.file(CELLS))
        client.save(TYPES)
        self.gate.blocked = 503
        self.assertEqual(client.http.post("/-/reload", json={"kind": "labels"}).status_code, 503)
        self.gate.blocked = None
        self.gate.vault["labels"] = b"index,type\na,T,surplus\n"
        self.assertEqual(client.http.post("/-/reload", json={"kind": "labels"}).status_code, 503)
        self.assertEqual(client.http.post("/-/reload", json={"kind": "others"}).status_code, 400)
        self.assertEqual(client.labels("type"), TYPES)


def gene_set(name: str, *genes: str, description: str = "") -> dict[str, Any]:
    listed = [{"gene_symbol": gene, "gene_description": f"about {gene}"} for gene in genes]
    return {"geneset_name": name, "geneset_description": description, "genes": listed}


class GeneSets(WithGate):
    def test_saved_read_and_written_as_cellxgene_does(self) -> None:
        path = self.file(CELLS)
        sets = [gene_set("one", "gene1", "gene0", description="d, 1"), gene_set("none"), gene_set("two", "gene2")]
        client, theirs = self.open(path), self.open_cellxgene(path)
        self.assertEqual(client.gene_sets(), {"genesets": [], "tid": 0})
        for opened in (client, theirs):
            self.assertEqual(opened.save_gene_sets(sets).json, {"status": "OK"})
        for opened in (client, self.open(path)):
            self.assertEqual(opened.gene_sets()["genesets"], self.open_cellxgene(path).gene_sets()["genesets"])
        with open(f"{path}.genesets.csv", newline="") as written:
            plain = "".join(line for line in written if not line.startswith("#"))
        self.assertEqual(self.gate.vault["genesets"].decode(), plain)

    def test_a_repeated_save_and_an_old_transaction_id_are_taken(self) -> None:
        client = self.open(self.file(CELLS))
        for tid in (5, 5, 1):
            self.assertEqual(client.save_gene_sets([gene_set("one", "gene1")], tid).status_code, 200)
        self.assertEqual(len({put.body for put in self.gate.puts}), 1)

    def test_refused_is_forgotten(self) -> None:
        client = self.open(self.file(CELLS))
        client.save_gene_sets([gene_set("one", "gene1")])
        self.gate.refuse = 412
        self.assertEqual(client.save_gene_sets([gene_set("two", "gene2")]).status_code, 412)
        self.assertEqual([found["geneset_name"] for found in client.gene_sets()["genesets"]], ["one"])

    def test_genes_of_another_dataset_survive_a_save_and_a_new_name(self) -> None:
        self.open(self.file(CELLS)).save_gene_sets([gene_set("one", "gene1", "gene4"), gene_set("two", "gene2", "gene3")])
        fewer = self.open(self.file(CELLS, genes=["gene1", "gene2"]))
        seen = {found["geneset_name"]: [gene["gene_symbol"] for gene in found["genes"]] for found in fewer.gene_sets()["genesets"]}
        self.assertEqual(seen, {"one": ["gene1"], "two": ["gene2"]})
        fewer.save_gene_sets([gene_set("renamed", "gene1"), gene_set("two", "gene2", "gene1")])
        back = self.open(self.file(CELLS)).gene_sets()["genesets"]
        self.assertEqual(back, [gene_set("renamed", "gene1", "gene4"), gene_set("two", "gene2", "gene1", "gene3")])

    def test_deleting_the_last_and_sets_that_cellxgene_refuses(self) -> None:
        path = self.file(CELLS)
        client = self.open(path)
        client.save_gene_sets([gene_set("one", "gene1")])
        client.save_gene_sets([])
        self.assertEqual(self.gate.vault["genesets"], b"")
        self.assertEqual(self.open(path).gene_sets()["genesets"], [])
        self.assertEqual(client.save_gene_sets([gene_set("a  b")]).status_code, 400)
        self.assertEqual(client.save_gene_sets([gene_set("a"), gene_set("a")]).status_code, 400)
        self.assertEqual(len(self.gate.puts), 2)

    def test_what_is_no_table_stops_the_start(self) -> None:
        path = self.file(CELLS)
        for body in (b"name,gene\na,b\n", b"\xff\n", b"gene_set_name,gene_set_description,gene_symbol,gene_description\n,x,gene1,\n"):
            self.gate.vault["genesets"] = body
            with self.subTest(body=body), self.assertRaises(GeneSetsUnreadable):
                self.open(path)
