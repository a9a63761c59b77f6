import LockstepFiles
import LockstepTestSupport
import Testing

@Suite struct FileSystemTests {
  @Test("directories are made with those above; an existing one is fine; a file in the way is not")
  func directories() throws {
    let directory = TemporaryDirectory()
    let files = SystemFileSystem()
    let deep = directory.file("a/b/c/")
    try files.createDirectory(deep)
    try files.createDirectory(deep)
    #expect(try files.list(deep) == [])
    let file = directory.write([], to: "plain")
    let error = #expect(throws: FileError.self) { try files.createDirectory(file) }
    #expect(error?.description == "\(file): create directory: File exists")
    for path in ["a/b/c", "a/b", "a"] { removeDirectory(directory.file(path)) }
  }

  @Test("a new directory is nobody else's: a name that is taken gets a number")
  func newDirectories() async throws {
    let directory = TemporaryDirectory()
    let path = directory.file("runs/a")
    let made = try await withThrowingTaskGroup(of: String.self) { group in
      for _ in 0..<8 { group.addTask { try SystemFileSystem().createNewDirectory(path) } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(Set(made) == Set([path] + (2...8).map { "\(path)-\($0)" }))
    for path in made { removeDirectory(path) }
    removeDirectory(directory.file("runs"))
    let file = directory.write([], to: "plain")
    let error = #expect(throws: FileError.self) {
      try SystemFileSystem().createNewDirectory("\(file)/a")
    }
    #expect(error?.description == "\(file): create directory: File exists")
  }

  @Test("create refuses a name that is taken")
  func exclusive() throws {
    let directory = TemporaryDirectory()
    let path = directory.write([1])
    let error = #expect(throws: FileError.self) { _ = try SystemFileSystem().create(path) }
    #expect(error?.description == "\(path): create: File exists")
  }

  @Test("remove of a missing file succeeds; list of a missing directory names it")
  func missing() throws {
    let directory = TemporaryDirectory()
    try SystemFileSystem().remove(directory.file("nothing"))
    let error = #expect(throws: FileError.self) {
      _ = try SystemFileSystem().list(directory.file("nothing"))
    }
    #expect(
      error?.description
        == "\(directory.file("nothing")): open directory: No such file or directory"
    )
  }

  @Test("reading: missing, a directory, too large, beyond the end")
  func reading() throws {
    let directory = TemporaryDirectory()
    let path = directory.write([1, 2, 3])
    #expect(try FileInput.contents(of: path, limit: 3) == [1, 2, 3])
    #expect(throws: FileError.self) { try FileInput("\(path)-not") }
    #expect(throws: FileError(path: "/tmp", kind: .mismatch, reason: "is not a regular file")) {
      try FileInput("/tmp")
    }
    #expect(
      throws: FileError(
        path: path, kind: .tooLarge, reason: "is 3 bytes long, more than the limit of 2")
    ) { try FileInput.contents(of: path, limit: 2) }
    let input = try FileInput(path)
    var bytes = [UInt8](repeating: 0, count: 2)
    try bytes.withUnsafeMutableBytes { try input.read(into: $0, at: 1) }
    #expect(bytes == [2, 3])
    let error = #expect(throws: FileError.self) {
      try bytes.withUnsafeMutableBytes { try input.read(into: $0, at: 2) }
    }
    #expect(error?.kind == .truncated)
    #expect(error?.reason == "truncated: expected 2 bytes at offset 2, found 1")
  }
}
