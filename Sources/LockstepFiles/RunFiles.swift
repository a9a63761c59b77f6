/// The files that a run leaves in its directory.
package enum RunFiles {
  /// Their names.
  package static let names: Set<String> = [
    "average.safetensors", "checkpoints", "config.json", "data.json", "evaluation.json",
    "evaluations.jsonl", "metrics.jsonl", "model.onnx", "norms.jsonl", "outcome.json",
    "profile.json", "warnings.jsonl", "weights.safetensors",
  ]

  /// The run directory that a path would write over a file of; nil for none.
  package static func directory(ofFile path: String) -> String? {
    let whole = AbsolutePath.of(path)
    var folder = AbsolutePath.folder(of: whole)
    var name = whole.dropFirst(folder.count).drop { $0 == "/" }
    if folder.hasSuffix("/checkpoints") {
      name = "checkpoints"
      folder = AbsolutePath.folder(of: folder)
    }
    guard names.contains(String(name)), FileKind("\(folder)/outcome.json") == .regular,
      FileKind("\(folder)/config.json") == .regular
    else { return nil }
    return folder
  }
}
