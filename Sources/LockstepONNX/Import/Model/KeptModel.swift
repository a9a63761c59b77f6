import LockstepFiles

extension ImportedModel {
  /// What a run's copy of its model's file is called.
  package static let keptName = "model.onnx"

  /// Copies the file, and those beside it that hold its weights, to a run's directory, which can go on,
  /// evaluate and predict when the file has gone or changed.
  ///
  /// - Throws: `FileError`; also where the file has changed since it was read.
  package func keep(in directory: String, fileSystem: any FileSystem) throws {
    let kept = "\(directory)/\(Self.keptName)"
    guard FileKind(kept) == .missing else { return }
    let folder = AbsolutePath.folder(of: path)
    // The weights first: a model without them could not be read.
    for name in externalFiles {
      let first = name.split(separator: "/").first { $0 != "." }.map(String.init) ?? name
      guard !RunFiles.names.contains(first) else {
        throw FileError(
          path: path, kind: .mismatch,
          reason:
            "keeps weights in '\(name)', and a run has a file of that name itself: export it anew, with the "
            + "weights under another name or in the file")
      }
      let copy = AbsolutePath.of(name, in: directory)
      try fileSystem.createDirectory(AbsolutePath.folder(of: copy))
      try AtomicFile.write(
        copy, bytes: FileInput.contents(of: AbsolutePath.of(name, in: folder), limit: .max),
        fileSystem: fileSystem)
    }
    try AtomicFile.write(
      kept, bytes: FileInput.contents(of: path, limit: ONNXModel.largestFile),
      fileSystem: fileSystem)
    guard try ONNXModel(reading: kept).fingerprint == fingerprint else {
      try? fileSystem.remove(kept)
      throw FileError(path: path, kind: .replaced, reason: "has changed since it was read")
    }
  }
}
