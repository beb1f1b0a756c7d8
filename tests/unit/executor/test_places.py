"""What a box shows of a machine: what is named and nothing else, whatever links there are."""

from pathlib import Path

from services.executor.places import arranged


def test_places_are_shown_where_they_really_are_and_links_to_them_are_kept(tmp_path: Path) -> None:
    (tmp_path / "real" / "bin").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "far").symlink_to(tmp_path / "link" / "bin")
    assert arranged((str(tmp_path / "far"),), (), ()) == (
        ((str(tmp_path / "real" / "bin"), "readable"),),
        ((str(tmp_path / "far"), str(tmp_path / "link" / "bin")), (str(tmp_path / "link"), "real")),
    )


def test_what_is_part_of_a_place_already_is_not_shown_again_unless_in_another_way(tmp_path: Path) -> None:
    for name in ("in/same", "in/out", "in/own/deep", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "in" / "link").symlink_to("same")
    paths = [str(tmp_path / name) for name in ("in", "in/same", "in/link", "in/own/deep")]
    places, links = arranged(paths, (f"{tmp_path}/in/out",), (f"{tmp_path}/in/own", f"{tmp_path}/elsewhere"))
    assert places == (
        (f"{tmp_path}/in", "readable"),
        (f"{tmp_path}/in/out", "writable"),
        (f"{tmp_path}/in/own", "hidden"),
        (f"{tmp_path}/in/own/deep", "readable"),
    )
    assert links == ()


def test_what_is_not_there_and_the_whole_machine_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / "around").symlink_to("around")
    (tmp_path / "all").symlink_to("/")
    paths = ("/", str(tmp_path / "nothing"), str(tmp_path / "around"), str(tmp_path / "all"))
    assert arranged(paths, (), ())[0] == ()


def test_what_is_both_shown_and_the_executors_own_is_hidden(tmp_path: Path) -> None:
    (tmp_path / "shown" / "home").mkdir(parents=True)
    home = str(tmp_path / "shown" / "home")
    assert (home, "hidden") in arranged((str(tmp_path / "shown"), home), (home,), (home,))[0]
