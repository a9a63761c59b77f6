/// Throws where a clip changes magnitudes alone and the next transform ignores these: it would
/// change
/// nothing, and its limit would say something that is not so.
func checkClips(of links: [any GradientTransform], bound transforms: [any InspectedTransform])
  throws
{
  for (index, clip) in links.dropLast().enumerated() {
    let next = links[index + 1]
    guard next.ignoresMagnitude, transforms[index].isClip else { continue }
    // A box without zero inside changes signs.
    if let box = clip as? ClipByValue, box.lower >= 0 || box.upper <= 0 { continue }
    throw HyperparameterError(
      owner: "chain", key: "clip", value: "\(clip)",
      problem: "changes nothing before \(next), which ignores magnitudes: leave it out")
  }
}
