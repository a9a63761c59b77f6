import LockstepFiles

/// The tensors of a file of a GPT's weights, as `GPT` has them.
///
/// GPT-2 was published, and is stored by Hugging Face's Transformers, with linear maps that are `Conv1D`: the weights
/// of `c_attn`, `c_proj` and `c_fc` are [in, out]. Names may begin with `h.0` in place of `transformer.h.0`. Files of
/// Transformers and of nanoGPT may have masks, `attn.bias` and `attn.masked_bias`, and `lm_head.weight`, which is
/// `wte.weight` once more.
///
/// A file is recognized by `h.0.attn.c_attn.weight`, and what it has by that tensor's shape: [width, 3 · width] is
/// `Conv1D`'s.
struct PublishedGPT {
  /// The tensors under the model's names; those that are stored transposed have the model's shape.
  private(set) var tensors: [(name: String, entry: TensorEntry)] = []
  /// The file's names of those that are stored transposed.
  private(set) var transposed: Set<String> = []
  /// The file's names of masks, and of the table of tokens where it stands twice.
  private(set) var passedOver: [String] = []

  private static let mark = "h.0.attn.c_attn.weight"
  private static let model = "transformer."
  private static let linearMaps: Set = ["attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"]

  /// Nil for a file of other weights.
  init?(_ file: SafetensorsFile) throws(FileError) {
    guard
      let first = file.tensors.first(where: {
        $0.name == Self.mark || $0.name.hasSuffix("." + Self.mark)
      }), first.shape.count == 2
    else { return nil }
    let prefix = String(first.name.dropLast(Self.mark.count))
    let isTransposed = first.shape[1] == 3 * first.shape[0]
    let head =
      (prefix.hasSuffix(Self.model) ? String(prefix.dropLast(Self.model.count)) : prefix)
      + "lm_head.weight"
    for entry in file.tensors {
      let part = Self.partOfBlock(entry.name, prefix)
      if part == "attn.bias" || part == "attn.masked_bias" {
        passedOver.append(entry.name)
        continue
      }
      if entry.name == head, try file.haveSameBytes(head, prefix + "wte.weight") {
        passedOver.append(head)
        continue
      }
      let name = prefix.isEmpty && entry.name != head ? Self.model + entry.name : entry.name
      guard isTransposed, let part, part.hasSuffix(".weight"), entry.shape.count == 2,
        Self.linearMaps.contains(String(part.dropLast(".weight".count)))
      else {
        tensors.append((name, entry))
        continue
      }
      transposed.insert(entry.name)
      tensors.append((name, entry.transposed))
    }
  }

  /// What stands behind `h.N.` in a name; nil where it is not of a block.
  private static func partOfBlock(_ name: String, _ prefix: String) -> Substring? {
    let start = prefix + "h."
    guard name.hasPrefix(start) else { return nil }
    let rest = name.dropFirst(start.count)
    guard let dot = rest.firstIndex(of: "."), dot > rest.startIndex,
      rest[..<dot].allSatisfy(\.isNumber)
    else { return nil }
    return rest[rest.index(after: dot)...]
  }
}
