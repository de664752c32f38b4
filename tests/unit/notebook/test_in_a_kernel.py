"""What only a kernel shows: errors of one line, inline displays, edits between two cells."""

import nbformat
from nbclient import NotebookClient
from small_project import SmallProject

CELLS = (
    'import maru\np = maru.project("shop")\np',
    'p.features("2025-06-01", "toy_*", sample=3)',
    'p.features("2025-06-01", "toys_*")',
    "text = (p.folder / 'features.py').read_text()\n"
    "(p.folder / 'features.py').write_text(text.replace('(7, 14, 42)', '(7, 28)'))\n"
    'p.features("2025-06-01", "toy_sum*").columns.to_list()',
    "(p.folder / 'features.py').write_text('MART = ')\np.dictionary()",
    "p.evaluate(months=1, nonsense=2)",
)


def test_a_session(shop: SmallProject):
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    where = {"metadata": {"path": str(shop.folder)}}
    NotebookClient(notebook, timeout=120, allow_errors=True, resources=where).execute()
    opened, features, unknown, edited, broken, ours = [cell.outputs for cell in notebook.cells]

    assert opened[-1].data["text/plain"].startswith("shop\n  owner       crm")
    assert "<table" in features[-1].data["text/html"]
    assert unknown[-1].traceback == [
        "maru: none of the 42 columns is 'toys_*'. p.dictionary() lists them."
    ]
    assert edited[0].text == "changed and loaded again: features.py\n"
    assert edited[-1].data["text/plain"] == "['toy_sum_7d', 'toy_sum_28d']"
    assert broken[-1].ename == "FolderError"
    assert broken[-1].traceback[0].startswith("maru: projects/shop/features.py:1: Python cannot")
    assert len(ours[-1].traceback) > 1, "a mistake that is no MaruError keeps its traceback"
