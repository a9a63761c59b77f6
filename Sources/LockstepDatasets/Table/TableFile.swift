import LockstepFiles

/// The files of a table: plain, or compressed by gzip or Zstandard.
package enum TableFile {
  /// What a table of some files is called.
  package static func name(_ files: [String]) -> String {
    files.count == 1
      ? files[0] : "\(files.first ?? "") and \(counted(files.count - 1, "more file"))"
  }

  /// The files that paths name, patterns of names among them: in the order of the paths, and of the names.
  package static func matching(_ paths: [String]) throws(FileError) -> [String] {
    var files: [String] = []
    for path in paths {
      if FileKind(path) == .missing, FilePattern.isPattern(path) {
        let found = FilePattern.files(path)
        guard !found.isEmpty else {
          throw FileError(path: path, kind: .mismatch, reason: "no file matches this pattern")
        }
        files += found
      } else {
        files.append(path)
      }
    }
    var seen: Set<String> = []
    if let twice = files.first(where: { !seen.insert($0).inserted }) {
      throw FileError(
        path: twice, kind: .mismatch, reason: "is named twice among the files that are read")
    }
    return files
  }

  /// Scans a file of at most `limit` bytes, inflated.
  ///
  /// - Parameter pause: hears the scanner after each piece of the file.
  static func scan(
    _ path: String, limit: Int, into scanner: inout CSVScanner,
    pause: (inout CSVScanner) throws(FileError) -> Void = { _ in }
  ) throws(FileError) {
    let file = try FileInput(path, limit: limit)
    let start = try file.prefix(4)
    if Gzip.isCompressed(start) {
      // Inflating alone is fast and takes no memory: a content that is too long is refused before any
      // of it is scanned, which takes many times as long.
      let size = scanner.blockRows == nil ? try Gzip.length(file, limit: limit) : 0
      var scanned = 0
      try Gzip.inflate(file) { chunk throws(FileError) in
        try scanner.consume(chunk)
        if scanned == 0 { scanner.reserve(size: size, scanned: chunk.count) }
        scanned += chunk.count
        try pause(&scanner)
        return true
      }
      return
    }
    if Zstandard.isCompressed(start) {
      try Zstandard.inflate(file, limit: limit) { chunk throws(FileError) in
        try scanner.consume(chunk)
        try pause(&scanner)
        return true
      }
      return
    }
    try file.forEachBlock { block, offset throws(FileError) in
      try scanner.consume(block)
      if offset == 0 { scanner.reserve(size: file.size, scanned: block.count) }
      try pause(&scanner)
    }
  }
}
