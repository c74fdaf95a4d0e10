"""`xltool page`: one HTML file that checks and fills in any browser, offline."""

from __future__ import annotations

from pathlib import Path

import click

from xltool.cli._command import command, force_option, output_file
from xltool.cli._judging import settings_file, settings_option
from xltool.cli._output import echo

runtime_option = click.option(
    "--runtime",
    "runtime_paths",
    metavar="文件或文件夹",
    multiple=True,
    type=click.Path(path_type=Path),
    help="浏览器里运行 Python 的部件（可以写几次）；不写就用以前取过的，没有就用 npm 和 pip 取。",
)
_file = click.Path(dir_okay=False, path_type=Path)


@command()
@click.option(
    "-o", "--output", metavar="文件", default="审核.html", show_default=True,
    type=output_file(".html"), help="写到哪个文件。",
)  # fmt: skip
@runtime_option
@click.option("--edition", default="", help="放进自己的版式（编号或文件夹），网页就只用这一个。")
@settings_option
@click.option("--key", type=_file, help="放进公钥文件，网页用它核对封印。")
@force_option
def page(
    output: Path,
    runtime_paths: tuple[Path, ...],
    edition: str,
    settings: Path | None,
    key: Path | None,
) -> None:
    """做一个网页：双击打开，不用安装，不联网，在浏览器里审核和填报。

    网页里运行的就是这个 xltool，结论与命令行相同；文件不离开打开网页的电脑。
    """
    from xltool.editions.declaration import load_edition
    from xltool.files.atomic import writing
    from xltool.page.build import page as built
    from xltool.page.runtime import runtime

    data = built(
        runtime(runtime_paths),
        edition=Path(load_edition(edition).folder) if edition else None,
        settings=settings_file(settings),
        key=key.read_bytes() if key else None,
    )
    with writing(output, "wb") as file:
        file.write(data)
    echo(f"已写出 {output}（{len(data) / 2**20:.1f} MB）：用浏览器打开，可以复制给任何人")
