"""What a cell shows as its result: a figure or a panel. When the cell runs again, what it showed before is let go."""

import sys


class Shown:
    """A result that takes the place of what an earlier run of its cell showed.

    IPython keeps every result under Out, a figure with its arrays and a panel with its net, so a kernel in which cells are
    changed and run again would grow by megabytes a run. A result that the notebook still has a name for is kept.
    """

    cell = ""  # which cell showed it: the front end's name of the cell where it gives one, else its text

    def close(self) -> None:
        """Called when nothing can show it again."""

    def replace_earlier(self) -> None:
        """To be called when it is shown. Outside of a notebook it does nothing."""
        shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        if shell is None:
            return
        self.cell = (
            getattr(shell, "parent_header", {}).get("metadata", {}).get("cellId")
            or shell.history_manager.input_hist_raw[-1]
        )
        results = shell.user_ns["Out"]
        for number, earlier in list(results.items()):
            if isinstance(earlier, Shown) and earlier.cell == self.cell:
                del results[number]
                shell.del_var(f"_{number}", by_name=True)
                named = [value for name, value in shell.user_ns.items() if not name.startswith("_")]
                if all(value is not earlier for value in (self, *named, *results.values())):
                    earlier.close()
