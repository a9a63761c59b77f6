import LockstepEngine

/// Throws where a clip changes magnitudes alone and the next transform ignores these: it would
/// change
/// nothing, and its limit would say something that is not so.
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
    throw HyperparameterError(
      owner: "chain", key: "clip", value: "\(type(of: clip))",
      problem: "changes nothing before \(type(of: next)), which ignores magnitudes: leave it out")
  }
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
      throw HyperparameterError(
        owner: "chain", key: "clip", value: "\(type(of: links[index]))",
        problem: "limits the magnitude of \(NameGlob.list(both.map { names[$0] })), and "
          + "\(matrices.owner) makes updates of one size of them whatever their magnitude: leave the clip out"
          + (rest.isEmpty
            ? "" : ", or give it a 'scope' of the other tensors, \(NameGlob.list(rest))"))
    }
  }
}
