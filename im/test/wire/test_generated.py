"""The generated modules are those of the .proto files that lie beside them.

Compiled with whatever protoc is installed and compared as descriptors, so that a newer compiler than
the pinned one of `scripts/proto` finds the same.
"""

import shutil
from pathlib import Path

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc
from twisted.trial.unittest import SynchronousTestCase

from im.proto import (
    base_pb2,
    chat_pb2,
    contact_pb2,
    content_pb2,
    group_pb2,
    presence_pb2,
    push_pb2,
    session_pb2,
    sync_pb2,
)

PROTOCOL = Path(__file__).parents[3] / "protocol"
MODULES = (
    base_pb2,
    chat_pb2,
    contact_pb2,
    content_pb2,
    group_pb2,
    presence_pb2,
    push_pb2,
    session_pb2,
    sync_pb2,
)


def compiled(folder: Path, target: Path) -> dict[str, FileDescriptorProto]:
    """The descriptors of a folder's .proto files by name, as a generated module holds them."""
    sources = [str(path) for path in sorted(folder.glob("*.proto"))]
    options = [f"-Iim/proto={folder}", f"--descriptor_set_out={target}"]
    if protoc.main(["protoc", *options, *sources]) != 0:
        raise ValueError("protoc refused the .proto files")
    files = FileDescriptorSet.FromString(target.read_bytes()).file
    for file in files:
        for message in file.message_type:
            forget_json_names(message)
    return {file.name: file for file in files}


def forget_json_names(message: DescriptorProto) -> None:
    """Clear what protoc adds to a descriptor set and leaves out of the generated code."""
    for field in message.field:
        field.ClearField("json_name")
    for nested in message.nested_type:
        forget_json_names(nested)


def generated() -> dict[str, FileDescriptorProto]:
    """The descriptors that the committed modules hold."""
    files = (FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb) for module in MODULES)
    return {file.name: file for file in files}


class GeneratedTest(SynchronousTestCase):
    def test_the_modules_are_those_of_the_sources(self) -> None:
        fresh = compiled(PROTOCOL, Path(self.mktemp()))
        self.assertEqual(fresh, generated(), "im/proto is out of date: run scripts/proto")

    def test_an_edited_source_is_noticed(self) -> None:
        edited = Path(self.mktemp())
        shutil.copytree(PROTOCOL, edited)
        source = edited / "chat.proto"
        source.write_text(source.read_text().replace("bytes content = 6;", "bytes content = 7;"))
        self.assertNotEqual(compiled(edited, Path(self.mktemp())), generated())

    def test_the_stubs_name_every_field(self) -> None:
        for module in MODULES:
            stub = Path(str(module.__file__)).with_suffix(".pyi").read_text()
            for message in module.DESCRIPTOR.message_types_by_name.values():
                for field in message.fields:
                    self.assertIn(f"    {field.name}: ", stub, f"{message.name}: run scripts/proto")
