import LockstepFiles

extension JSONValue {
  /// A number, or one of the strings that stand for NaN and the infinities.
  var number: Double? {
    switch self {
    case .string("NaN"): .nan
    case .string("Infinity"): .infinity
    case .string("-Infinity"): -.infinity
    default: doubleValue
    }
  }

  /// The content of a file; nil where there is none.
  ///
  /// - Throws: `FileError` where it is no JSON.
  static func file(_ path: String) throws(FileError) -> JSONValue? {
    guard FileKind(path) == .regular else { return nil }
    let bytes = try FileInput.contents(of: path, limit: 256 << 20)
    do throws(JSONSyntaxError) {
      return try parse(bytes, source: path)
    } catch {
      throw FileError(path: path, kind: .corrupt, reason: "\(error)")
    }
  }
}

extension FileError {
  /// A file of a run directory that holds something else.
  static func notARecord(_ path: String, of what: String) -> FileError {
    FileError(path: path, kind: .corrupt, reason: "is not \(what) of a run; remove it")
  }
}
