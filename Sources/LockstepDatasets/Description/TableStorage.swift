import LockstepFiles

/// Where the cells of a table are while a run uses it.
package struct TableStorage: Sendable {
  /// In memory or in files.
  package typealias Kind = ArrayOptions.Storage

  /// The name of the folder beside a table that its files are in.
  package static let folderName = ".lockstep"
  /// What inflated bytes are taken to be of compressed ones, before they are read.
  private static let inflation = 4

  /// Whether tables are kept in memory.
  package var kind: Kind
  /// The folder of the files; nil for one beside the table.
  package var folder: String?
  /// The number of rows that are read at once, about.
  package var blockRows = 1 << 16

  /// Small tables in memory, larger ones in files beside the table.
  package init(_ kind: Kind = .automatic, folder: String? = nil) {
    self.kind = kind
    self.folder = folder
  }

  /// Whether a table of some files is kept in a file of its cells.
  package func isStored(_ paths: [String]) throws(FileError) -> Bool {
    switch kind {
    case .memory: return false
    case .files: return true
    case .automatic:
      var size = 0
      for path in paths {
        let file = try FileInput(path)
        let start = try file.prefix(4)
        let isCompressed = Gzip.isCompressed(start) || Zstandard.isCompressed(start)
        size += file.size * (isCompressed ? Self.inflation : 1)
      }
      return size > StoredArray.memoryLimit
    }
  }

  /// The path of a file that is made of a table.
  ///
  /// - Parameters:
  ///   - table: the table's first file.
  ///   - contents: all that the file is made of.
  ///   - ending: what it is.
  func path(_ table: String, _ contents: Fingerprint, ending: String) -> String {
    let parts = table.split(separator: "/", omittingEmptySubsequences: false)
    let beside = parts.dropLast().joined(separator: "/")
    let name = String(parts.last?.prefix(80) ?? "table")
    let own = folder ?? (parts.count > 1 ? "\(beside)/\(Self.folderName)" : Self.folderName)
    return "\(own)/\(name)-\(contents).\(ending)"
  }

  /// The file that is made of a table, made unless it is there.
  ///
  /// - Throws: `FileError` where the folder cannot be written; it says what to do.
  func make(
    _ path: String, _ body: (inout AtomicFile.Output) throws -> Void
  ) throws {
    do {
      try SharedFile.make(path, body)
    } catch let error as FileError where error.isWriting && !error.isFailedWrite {
      throw FileError(
        path: error.path, kind: error.kind,
        reason: error.reason
          + "; a table that is larger than memory is kept in a file: name a folder for it in 'data.cache', or set "
          + "'data.storage' to 'memory'")
    }
  }

  /// A table, in memory or in a file of its cells.
  func blocks(
    _ paths: [String], _ dialect: CSVDialect, texts: Set<String>
  ) throws -> any TableBlocks {
    if try isStored(paths) { return try table(paths, dialect, texts: texts) }
    return try CSVTable.read(paths, dialect, texts: texts)
  }

  /// The cells of a table, written to a file unless they are there.
  ///
  /// - Parameter texts: the columns whose texts are needed as they are, though they look like numbers.
  func table(
    _ paths: [String], _ dialect: CSVDialect, texts: Set<String>
  ) throws -> StoredTable {
    guard let first = paths.first else {
      throw FileError(path: "", kind: .mismatch, reason: "a table has at least one file")
    }
    let before = try Self.stamps(paths)
    let contents = Self.contents(paths, before, dialect, texts)
    let path = path(first, contents, ending: "cells")
    var texts = texts
    while true {
      do {
        try make(path) { output in
          try StoredTable.write(
            paths, dialect, texts: texts, blockRows: blockRows, to: &output)
          for (path, stamp) in zip(paths, before) where try FileStamp(path) != stamp {
            throw FileError(
              path: path, kind: .replaced, reason: "was changed while it was read: start again")
          }
        }
        break
      } catch let error as MistakenColumns {
        texts.formUnion(error.names)
      }
    }
    return try StoredTable(path, of: paths, contents: contents)
  }

  private static func stamps(_ paths: [String]) throws(FileError) -> [FileStamp] {
    var stamps: [FileStamp] = []
    for path in paths { stamps.append(try FileStamp(path)) }
    return stamps
  }

  /// The hash of all that the cells follow from: the files, as far as sizes and times tell, and how they are read.
  private static func contents(
    _ paths: [String], _ stamps: [FileStamp], _ dialect: CSVDialect, _ texts: Set<String>
  ) -> Fingerprint {
    .tree(
      [
        ("version", Fingerprint(of: [StoredTable.version])),
        ("dialect", Fingerprint(of: JSONValue.object(dialect.json).compactText)),
        ("texts", .tree(texts.sorted().map { ($0, Fingerprint(of: [0])) })),
      ] + zip(paths, stamps).map { (AbsolutePath.of($0), $1.fingerprint) })
  }
}
