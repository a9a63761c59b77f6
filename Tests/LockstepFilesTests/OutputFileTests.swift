import LockstepFiles
import LockstepTestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

@Suite struct OutputFileTests {
  private func content(_ path: String) throws -> String {
    String(decoding: try FileInput.contents(of: path), as: UTF8.self)
  }

  @Test("files are made and replaced; a link's target is, and the link stays")
  func files() throws {
    let directory = TemporaryDirectory()
    let file = directory.file("file")
    for text in ["one", "two"] {
      try OutputFile.write(file, text: text)
      #expect(try content(file) == text)
    }
    let link = directory.file("link")
    symlink("file", link)
    try OutputFile.write(link, text: "three")
    #expect(FileKind(link, followsLinks: false) == .link)
    #expect(try content(file) == "three")
  }

  @Test("devices and fifos are written into, and stay what they are")
  func devices() throws {
    let directory = TemporaryDirectory()
    try OutputFile.write("/dev/null", text: "gone")
    #expect(FileKind("/dev/null") == .other)
    let full = #expect(throws: FileError.self) { try OutputFile.write("/dev/full", text: "x") }
    #expect(full?.kind == .system(call: "write", code: ENOSPC))
    let fifo = directory.file("fifo")
    mkfifo(fifo, 0o600)
    // A reader that does not wait, so that the writer finds one.
    let reader = open(fifo, O_RDONLY | O_NONBLOCK)
    defer { close(reader) }
    try OutputFile.write(fifo, text: "through")
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = read(reader, &bytes, bytes.count)
    #expect(String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self) == "through")
    #expect(FileKind(fifo) == .other)
  }

  @Test("a descriptor of this process is continued, not begun again")
  func descriptors() throws {
    let directory = TemporaryDirectory()
    let path = directory.file("log")
    let descriptor = open(path, O_CREAT | O_WRONLY, 0o600)
    defer { close(descriptor) }
    for text in ["a", "b"] { try OutputFile.write("/dev/fd/\(descriptor)", text: text) }
    #expect(try content(path) == "ab")
  }

  @Test("what cannot be written is named")
  func refusals() throws {
    let directory = TemporaryDirectory()
    let folder = #expect(throws: FileError.self) { try OutputFile.write(directory.path, text: "") }
    #expect(folder?.reason == "is a directory; name a file in it")
    let link = directory.file("link")
    symlink("nowhere", link)
    let dangling = #expect(throws: FileError.self) { try OutputFile.write(link, text: "") }
    #expect(dangling?.reason.contains("leads nowhere") == true)
    #expect(FileKind(directory.file("nowhere")) == .missing)
  }

  @Test("a fifo or a device is never read, nor waited for")
  func inputs() {
    let directory = TemporaryDirectory()
    let fifo = directory.file("fifo")
    mkfifo(fifo, 0o600)
    for path in [fifo, "/dev/zero", directory.path] {
      let error = #expect(throws: FileError.self) { try FileInput(path) }
      #expect(error?.reason == "is not a regular file")
    }
  }
}
