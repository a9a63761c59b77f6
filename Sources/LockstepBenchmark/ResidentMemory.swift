import LockstepPlatform

/// The memory of this process.
package enum ResidentMemory {
  /// The proportional share of all resident pages, in bytes: a page that n processes share counts
  /// 1/n. 0 where the system does not say.
  package static var proportionalBytes: Int {
    guard let file = fopen("/proc/self/smaps_rollup", "r") else { return 0 }
    defer { fclose(file) }
    var text = [UInt8](repeating: 0, count: 1 << 14)
    let count = fread(&text, 1, text.count, file)
    for line in String(decoding: text[..<count], as: UTF8.self).split(separator: "\n")
    where line.hasPrefix("Pss:") {
      let words = line.split(separator: " ")
      if words.count > 1, let kibibytes = Int(words[1]) { return kibibytes << 10 }
    }
    return 0
  }
}
