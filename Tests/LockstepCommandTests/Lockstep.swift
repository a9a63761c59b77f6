import LockstepFiles
import LockstepTesting
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The built program, run as users run it.
enum Lockstep {
  /// Runs it on some ranks; 1 rank needs no launcher. `verify` starts jobs of several ranks itself.
  static func run(
    _ arguments: [String], ranks: Int = 1, environment: [String: String?] = [:],
    directory: String? = nil, deadline: Duration = .seconds(90)
  ) throws -> ProgramResult {
    let program = try MPIRunner.builtExecutable("lockstep")
    return ranks == 1
      ? try MPIRunner.runAlone(
        program, arguments, environment: environment, directory: directory, deadline: deadline,
        processors: arguments.first == "verify" ? 8 : 1)
      : try MPIRunner.run(
        program, arguments, ranks: ranks, environment: environment, directory: directory,
        deadline: deadline)
  }

  /// The path of a configuration that ships.
  static func example(_ name: String) -> String {
    // This file is Tests/LockstepCommandTests/Lockstep.swift of the package.
    let parts = #filePath.split(separator: "/").dropLast(3)
    return "/" + parts.joined(separator: "/") + "/Examples/\(name).json"
  }
}

extension ProgramResult {
  /// The fingerprint that the last line gives.
  var fingerprint: String? {
    guard let line = lines.last(where: { !$0.isEmpty }), line.hasPrefix("fingerprint ") else {
      return nil
    }
    return String(line.dropFirst("fingerprint ".count))
  }

  /// The lines that the program itself, not its launcher, wrote to standard error.
  var complaints: [String] {
    errorOutput.split(separator: "\n").map(String.init).filter { $0.hasPrefix("lockstep: ") }
  }
}

/// A directory of a test's own, removed with everything inside.
func withDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
  var template = Array("/tmp/lockstep-command-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { fatalError("no temporary directory: errno \(errno)") }
  let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  defer { removeTree(path) }
  return try body(path)
}

private func removeTree(_ path: String) {
  // A link goes itself, never what it leads to.
  if unlink(path) == 0 { return }
  for name in (try? SystemFileSystem().list(path)) ?? [] { removeTree("\(path)/\(name)") }
  rmdir(path)
}

/// The lines of a JSON-lines file.
func jsonLines(_ path: String) throws -> [JSONValue] {
  try FileInput.contents(of: path).split(separator: UInt8(ascii: "\n")).map {
    try JSONValue.parse(Array($0))
  }
}
