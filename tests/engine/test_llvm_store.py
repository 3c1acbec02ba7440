"""Compiled objects kept on disk: found again, and never trusted from others."""

from __future__ import annotations

import os
import stat

import numpy as np
import pytest

from talent_sd.engine.ir import Call, Number, Program, Ref, Slot, Table, TableCall
from talent_sd.engine.llvm import compiled_objects as store
from talent_sd.engine.llvm import native
from talent_sd.engine.llvm.kernel import compile_kernel


def program_of(expression, value=2.0, table=(0.0, 1.0)):
    slots = (
        Slot("TIME STEP", "TIME STEP", (), "constant", Number(1.0)),
        Slot("a", "a", (), "constant", Number(value)),
        Slot("b", "b", (), "auxiliary", expression),
    )
    tables = (Table("t", np.array([0.0, 1.0]), np.array(table)),)
    return Program(slots, (), tables, (2,), (2,), time_slots={"TIME STEP": 0})


ROOT = Call("sqrt", (Ref(1),))


def value_of(kernel, a=2.0):
    return kernel.run(np.array([1.0, a, np.nan]), np.zeros(1), [0]).values.item()


def test_a_kernel_is_compiled_once_and_serves_other_values(kernel_cache):
    first, second = compile_kernel(program_of(ROOT), [2]), compile_kernel(program_of(ROOT, value=9.0), [2])
    assert (first.from_cache, second.from_cache) == (False, True)
    assert value_of(first) == 2.0**0.5
    assert value_of(second, 9.0) == 3.0
    assert len(list(kernel_cache.iterdir())) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"program": program_of(Call("exp", (Ref(1),)))}, {"program": program_of(Call("sqrt", (Number(2.0),)))},
        {"outputs": [1]}, {"varying": [1]}, {"series": [1]}, {"member_series": [1]}, {"width": 1},
        {"cpu": "x86-64"},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_whatever_the_code_depends_on_makes_another_object(kernel_cache, change):
    if "cpu" in change and not native.host_target().triple.startswith("x86_64"):
        pytest.skip("a processor of another family")
    usual = {"program": program_of(ROOT), "outputs": [2], "width": 2}
    compile_kernel(**usual)
    assert not compile_kernel(**{**usual, **change}).from_cache


def test_another_kind_of_table_makes_another_object_but_other_points_do_not(kernel_cache):
    look_up = TableCall(0, Ref(1))
    compile_kernel(program_of(look_up), [2])
    other = compile_kernel(program_of(look_up, table=(5.0, 6.0)), [2])
    assert other.from_cache
    assert value_of(other, 0.5) == 5.5
    extended = program_of(look_up)
    points = extended.tables[0]
    opened = Table("t", points.x, points.y, outside="extrapolate")
    program = Program(extended.slots, (), (opened,), (2,), (2,), time_slots={"TIME STEP": 0})
    assert value_of(compile_kernel(program, [2]), 3.0) == 3.0


def test_the_folder_and_its_files_are_the_users_alone(kernel_cache):
    compile_kernel(program_of(ROOT), [2])
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (kernel_cache, *kernel_cache.iterdir())]
    assert modes == [0o700, 0o600]


def the_object(folder):
    (path,) = folder.iterdir()
    return path


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions are another matter here")
@pytest.mark.parametrize("bit", [stat.S_IWGRP, stat.S_IWOTH])
@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_others_could_have_written_is_not_loaded(kernel_cache, what, bit):
    compile_kernel(program_of(ROOT), [2])
    path = the_object(kernel_cache) if what == "file" else kernel_cache
    path.chmod(path.stat().st_mode | bit)
    again = compile_kernel(program_of(ROOT), [2])
    assert not again.from_cache
    assert value_of(again) == 2.0**0.5


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions are another matter here")
def test_what_belongs_to_another_user_is_not_loaded(kernel_cache, monkeypatch):
    compile_kernel(program_of(ROOT), [2])
    monkeypatch.setattr(os, "getuid", lambda: kernel_cache.stat().st_uid + 1)
    assert not compile_kernel(program_of(ROOT), [2]).from_cache


def test_a_link_is_not_followed(kernel_cache, tmp_path):
    compile_kernel(program_of(ROOT), [2])
    path = the_object(kernel_cache)
    elsewhere = path.rename(tmp_path / "elsewhere")
    path.symlink_to(elsewhere)
    assert not compile_kernel(program_of(ROOT), [2]).from_cache


@pytest.mark.parametrize("damage", ["cut short", "changed", "emptied", "not ours"])
def test_a_damaged_object_is_compiled_anew(kernel_cache, damage):
    compile_kernel(program_of(ROOT), [2])
    path = the_object(kernel_cache)
    content = path.read_bytes()
    path.write_bytes(
        {
            "cut short": content[:-10],
            "changed": content[:-1] + b"?",
            "emptied": b"",
            "not ours": b"x" + content,
        }[damage]
    )
    assert not compile_kernel(program_of(ROOT), [2]).from_cache
    assert compile_kernel(program_of(ROOT), [2]).from_cache


def test_the_oldest_objects_make_room(kernel_cache, monkeypatch):
    monkeypatch.setattr(store, "MOST_OBJECTS", 4)
    compile_kernel(program_of(ROOT), [2])
    for age in range(9):
        (kernel_cache / f"old {age}.o").write_bytes(b"")
        os.utime(kernel_cache / f"old {age}.o", (age, age))
    compile_kernel(program_of(Call("exp", (Ref(1),))), [2])
    assert len(list(kernel_cache.iterdir())) == 2
    assert compile_kernel(program_of(ROOT), [2]).from_cache


def test_a_folder_that_cannot_be_made_only_costs_time(tmp_path, monkeypatch):
    blocked = tmp_path / "a file"
    blocked.write_text("")
    monkeypatch.setenv("TALENT_SD_CACHE", str(blocked))
    assert value_of(compile_kernel(program_of(ROOT), [2])) == 2.0**0.5
    assert not compile_kernel(program_of(ROOT), [2]).from_cache
