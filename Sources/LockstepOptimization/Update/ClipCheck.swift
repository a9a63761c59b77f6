import LockstepEngine
import LockstepFiles

/// Throws where a clip changes magnitudes alone and the next transform ignores these: it would change nothing, and
/// its limit would say something that is not so.
func checkClips(
  of links: [any GradientTransform], bound transforms: [any InspectedTransform],
  names: [String]
) throws {
  try checkLimits(of: links, bound: transforms, names: names)
  for (index, clip) in links.dropLast().enumerated() {
    let next = links[index + 1]
    guard next.ignoresMagnitude, transforms[index].isClip else { continue }
    // A box without zero inside changes signs.
    if let box = clip as? ClipByValue, box.lower >= 0 || box.upper <= 0 { continue }
    let name = next is ScaleBySign ? "the optimizer 'signSGD'" : "\(type(of: next))"
    throw refusal(
      of: clip, "changes nothing before \(name), which ignores magnitudes: leave it out")
  }
}

/// An error about a clip, by the names that a configuration has for it.
private func refusal(
  of clip: any GradientTransform, _ problem: String
) -> HyperparameterError {
  if let group = clip as? ClipByGroupNorm {
    let limits = group.limits.map { readable($0.value) }.joined(separator: ", ")
    return HyperparameterError(
      owner: "'optimizer.groups'", key: "clipNorm", value: limits, problem: problem)
  }
  var name = (clip as? any CatalogedClip).map { type(of: $0).entry.name } ?? "\(type(of: clip))"
  if let box = clip as? ClipByValue, box.lower != -box.upper { name = ClipByValue.boxEntry.name }
  return HyperparameterError(owner: "'clip'", key: "type", value: name, problem: problem)
}

/// Throws where magnitudes of a matrix are held to a fixed limit, and a later transform ignores them. In a
/// momentum between the two the limit would only make some steps count less than others.
private func checkLimits(
  of links: [any GradientTransform], bound transforms: [any InspectedTransform], names: [String]
) throws {
  for (index, clip) in transforms.enumerated() {
    for transform in transforms.dropFirst(index + 1) {
      guard let matrices = transform as? any MatrixTransform else { continue }
      let both = names.indices.filter {
        matrices.ignoresMagnitude(slot: $0) && clip.limitsMagnitude(slot: $0)
      }
      guard !both.isEmpty else { continue }
      let rest = names.indices.filter { matrices.operations(slot: $0) == nil }.map { names[$0] }
      throw refusal(
        of: links[index],
        "limits the magnitude of \(NameGlob.list(both.map { names[$0] })), and "
          + "\(matrices.owner) makes updates of one size of them whatever their magnitude: leave the clip out"
          + (rest.isEmpty
            ? "" : ", or give it a 'scope' of the other tensors, \(NameGlob.list(rest))"))
    }
  }
}
