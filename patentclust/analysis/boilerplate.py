"""Words that say "patent" and not which technology: lists by language, data only.

`STOPS` never stand in a term and end a phrase. `GENERIC` words name anything ("device"); they may close a phrase
("display device") but do not stand alone or open one. `BREAKS` are for scripts without spaces: a run of characters is
cut at each of them. Words are as NFKC and lower case leave them. English lists are added to every language, because
English abstracts and words stand in patents of all languages.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _german(text: str) -> frozenset[str]:
    """Return the words as they are written, and as registers write them that know no umlauts."""
    plain = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
    return _words(text) | _words(text.translate(plain))


STOPS: dict[str, frozenset[str]] = {
    "en": _words(
        """
        a an the and or nor not no of in on at by to from for with without within into onto upon over under
        above below between among through during before after while when where which who whom whose what that
        this these those there here it its itself they them their he she his her we our us you your i as is are
        was were be been being am has have had having do does did done can could may might must shall should
        will would if then than so such both either neither each every any all some more most less least other
        another same own only also very too just out up down off again further once about against because until
        per via vs etc eg ie cf how why whether however yet still

        said wherein whereby whereas wherefrom whereupon thereof therein thereto thereby therefrom therebetween
        thereon therewith therefor therefore thus hence hereby herein hereof hereinafter aforementioned
        aforesaid foregoing comprise comprises comprised comprising include includes included including consist
        consists consisting contain contains contained containing embodiment embodiments example examples
        exemplary instance plurality multiple several various one ones two three four five first second third
        fourth fifth another next last previous subsequent subsequently prior respective respectively
        corresponding correspondingly correspond corresponds associated related relating relate relates
        relative relatively according accordance accordingly based basis

        invention inventions inventive present claim claims claimed patent patents application disclosure
        disclosed discloses describe described describes description detailed specification drawing drawings
        fig figs figure figures abstract summary background field art embodies preferred preferably particular
        particularly specific specifically especially generally general typically substantially approximately
        essentially mainly e.g i.e novel new improved improve improves improving improvement known conventional

        configured configuring configure configurable adapted arranged arrange arranging disposed located
        positioned provided provide provides providing formed forming form forms made make makes making used
        use uses using usable useful utilized utilizing utilizes capable able allow allows allowing enable
        enables enabled enabling cause causes caused causing perform performs performed performing obtain
        obtained obtaining obtains achieve achieved achieving generate generates generated generating determine
        determines determined determining receive receives received receiving send sends sent sending apply
        applied applying applies set sets setting get gets give given giving take takes taken taking keep keeps
        kept put puts go goes come comes run runs having operable operably extend extends extended extending
        connect connects connected connecting couple coupled coupling attach attached mounted mount mounting
        fixed fixedly installed secured placed position positions inserted carried carry carrying held hold
        holds holding employed employing select selected selecting selectively define defined defines defining
        comprisingly represent represented represents representing indicate indicates indicated indicating indicative
        identify identified identifying produce produced produces producing increase increased increasing
        reduce reduced reduces reducing decrease decreased require required requires requiring desired need
        needs needed separate separated separately follow following follows becomes become depending depends
        response responsive

        least greater lower upper higher high low large larger small smaller wide narrow long short left right
        top bottom front rear inner outer inside outside interior exterior outward inward outwardly inwardly
        opposite opposed adjacent near along toward towards around across away together thereafter
        simultaneously concurrently directly indirectly easily effectively efficient efficiently predetermined
        predefined preset certain different similar single common additional additionally optional optionally
        suitable appropriate possible necessary useful good better best high-quality desired entire whole main
        major minor total amount number numbers many few since due like even well much non-transitory
        transitory readable characterized characterised presence details sub sup lt gt amp nbsp denotes denote
        distinct ltoreq gtoreq introduced excellent seq id nos sp der wt mol percent percentage
        """
    ),
    "de": _german(
        """
        der die das den dem des ein eine einer eines einem einen und oder nicht kein keine von vom in im an am
        auf aus bei beim bis durch für gegen mit nach ohne seit über um unter vor während wegen zu zum zur
        zwischen als auch da dabei dadurch daher damit dann daran darauf daraus darin dass davon dazu denn
        derart deren dessen dies diese dieser dieses diesem diesen doch dort es er sie ihr ihre ihren ist sind
        war waren sein werden wird wurde kann können haben hat hatte jede jeder jedes jeweils jeweilige mehr
        mehrere mindestens nur ob sich so sowie sowohl solche soll weiter weitere weiteren welche welcher
        welches wenigstens wenn wie wobei worin

        anspruch ansprüche erfindung erfindungsgemäß erfindungsgemäße gemäß gekennzeichnet dadurch umfasst
        umfassend umfassen aufweist aufweisend aufweisen enthält enthaltend beispielsweise insbesondere
        vorzugsweise bevorzugt ausgebildet angeordnet vorgesehen verbunden betrifft erste ersten erster zweite
        zweiten zweiter dritte dritten
        """
    ),
    "fr": _words(
        """
        le la les l un une des du de d et ou ni ne pas à au aux en dans par pour sur sous avec sans entre vers
        chez ce cet cette ces son sa ses leur leurs il elle ils elles qui que quoi dont où est sont était être
        a ont avoir peut peuvent plus moins au-moins chaque tout toute tous toutes autre autres même ainsi
        lorsque lors afin car comme si se s n y

        invention revendication revendications selon caractérisé caractérisée ladite ledit lesdits lesdites dit
        dite comprend comprenant comprennent comportant comporte présente exemple notamment préférence premier
        première second seconde deuxième troisième moins destiné destinée disposé disposée relié reliée formé
        formée concerne
        """
    ),
    "es": _words(
        """
        el la los las un una unos unas de del y o ni no en a al por para con sin sobre bajo entre hacia desde
        hasta que cual cuales cuyo cuya quien donde cuando como si se su sus es son era ser ha han puede pueden
        más menos cada todo toda todos todas otro otra otros otras mismo misma así este esta estos estas dicho
        dicha dichos dichas lo le

        invención reivindicación reivindicaciones según caracterizado caracterizada comprende comprenden que
        comprendiendo presente ejemplo preferentemente primer primera segundo segunda tercero tercera menos
        """
    ),
    "ko": _words(
        """
        및 또는 그 이 저 상기 본 발명 본발명 발명은 청구항 있어서 것을 특징으로 하는 포함하는 포함하고 포함한다
        구비하는 구비하고 하나 이상 적어도 복수 복수의 제1 제2 제3 위한 위하여 의한 의해 따른 따라 대한 관한
        통해 통하여 있는 있다 되는 된다 한다 것이다 이를 수 등 더 각각 각각의 형성된 형성되는 배치되는 배치된
        연결된 연결되는 기재된 이루어진 갖는 가지는 실시예 일실시예 개시 구비한 포함한 함유한 일면 관한 사이 이들 서로
        일부 제공
        """
    ),
    "vi": _words(
        """
        và hoặc của các những một là có được trong ngoài trên dưới với cho từ đến theo bằng để khi này đó như
        không thì mà nhưng cũng sẽ đã đang ra vào lại nhiều ít sáng chế đề cập bao gồm phương pháp thứ nhất hai
        ba
        """
    ),
    "th": _words(
        """
        และ หรือ ถึง เช่น ที่ ซึ่ง ของ ใน โดย จาก เป็น มี ให้ ได้ ด้วย เพื่อ กับ การ นี้ ดังกล่าว อย่างน้อย ประกอบด้วย
        การประดิษฐ์ การประดิษฐ์นี้ การประดิษฐ์นี้เกี่ยวข้องกับ บทสรุปการประดิษฐ์ แก้ไข แก้ไขบทสรุปการประดิษฐ์ แก้ไขใหม่ หน้า
        บทสรุปการประดิษฐ์ซึ่งจะปรากฏบนหน้าประกาศโฆษณา ของจํานวน
        """
    ),
}

GENERIC: dict[str, frozenset[str]] = {
    "en": _words(
        """
        method methods apparatus apparatuses device devices system systems process processes processing unit
        units module modules means mechanism mechanisms assembly assemblies arrangement structure structures
        element elements component components member members part parts portion portions section sections body
        bodies piece pieces item items product products article articles material materials composition
        compositions compound compounds equipment machine machines instrument tool tools kit set object objects
        type types kind step steps stage stages operation operations function functions feature features
        technique techniques way manner mode modes case state states condition conditions value values level
        levels rate rates ratio degree range ranges size length width height thickness distance direction
        directions side sides end ends edge edges surface surfaces face faces area areas region regions zone
        zones space point points line lines shape axis center group groups series pair pairs combination use
        user users information data result results control controller controlled controlling property
        properties characteristic characteristics effect effects production manufacture manufacturing
        preparation preparing time times work working change changes changing interface application order input
        output source management technology medium media plant plants named cultivar
        """
    ),
    "de": _german(
        """
        verfahren vorrichtung vorrichtungen einrichtung einrichtungen anordnung gerät system systeme mittel
        teil teile element elemente einheit bereich seite oberfläche herstellung verwendung
        """
    ),
    "fr": _words(
        "procédé procédés dispositif dispositifs appareil système systèmes moyen moyens élément éléments partie unité"
        " ensemble utilisation fabrication méthode"
    ),
    "es": _words(
        "procedimiento método métodos dispositivo dispositivos aparato sistema sistemas medio medios elemento elementos"
        " parte unidad uso fabricación"
    ),
    "ko": _words(
        """
        방법 장치 시스템 디바이스 기기 수단 단계 부재 유닛 모듈 구조 제조방법 제조 제어 제어방법 제어부 정보 데이터
        사용자 조성물 유효성분 성분 영역 상부 하부 내부 외부 동작 함량 특성 효과 구조체 표면 물질 용도 수행 생성
        """
    ),
    "vi": _words("phương pháp thiết bị hệ thống"),
    "zh": _words(
        """
        装置 方法 系统 设备 可读 电子设备 终端设备 生产 模块 单元 步骤 结构 组件 部件 机构 构件 元件 部分
        表面 上述 信息 数据 方式 技术 领域 制备 制造 工艺 产品 材料 使用 用户 处理 控制 结果 方向 位置
        状态 过程 应用 效果 条件 功能 性能 合物 介质 裝置 系統 設備 模組 單元 步驟 結構 組件 機構 構件
        資訊 資料 製造方法 製備方法 使用者 處理 自动 自动化 智能 智能化 智慧 平台 环保 管理 加工 调节
        优化 分析 生成 目标 自動 調節 检测方法 检测装置 检测设备 测试设备 测试装置 识别方法 监控方法 定位方法
        合成方法 成型装置 保护装置 服务器 工具 工装 工作台 具备 配合 综合 改进 促进 项目 动态 协同
        联合 可移动 运行稳定 质量 重量 重量份 区域 中心 执行 指定 表示 朝向 工作 模式
        安全性 辅助 组合 组合物 更新 程序 模型 一体 高强度 功能性
        变化 情况 需求 对象 内容 参数 数值 实时 生产线 车间 确定 建立 操作 计算机 存储 接收 发送 请求
        """
    ),
    "ja": _words(
        """
        装置 方法 システム デバイス 機器 手段 工程 部材 ユニット モジュール 構造 構成 製造方法 製造 制御 処理
        情報 データ 部分 表面 領域 記憶媒体 方向 位置 状態 使用 利用 生成 検出 材料 製品 要素 機構 本体
        プログラム 記憶 媒体 部 受信 送信 推定 報告 支援 防止 低減 抑制 向上 結合 取得 算出 判定 決定 有効成分 組成物
        用途 効果 内部 外部 上部 下部 底部 動作 操作 結果 時間 関係 特異 面 側 値 量 数 物 化
        """
    ),
}

# Characters that never begin, or end, a Chinese or Japanese term: suffixes cut off their word, or "for".
EDGES: tuple[str, str] = ("用式性度率者们們", "用及的")

# Words of one character, as segmenters cut them off, that never begin, or end, a term of several words.
LOOSE: tuple[frozenset[str], frozenset[str]] = (
    frozenset("型式性度率者们們用化类類状狀带再其该該部的等"),
    frozenset("用及的再新高低大小多双单单不可抗防自非无無超带可各第前後后上下"),
)

# Entries are regular expressions, so that a look-ahead can spare the words that begin with a function character.
BREAKS: dict[str, frozenset[str]] = {
    "zh": _words(
        """
        百分之 摄氏度 质量分数 可读存储介质 可读介质 计算机可读 新型 高效 快速 便于 专用 多功能 一体化 全自动 高性能
        高精度 可调节 面向 考虑 相关 如果 [一二三四五六七八九十百千零]{2,}
        其特征在于 其特征是 权利要求书 权利要求 所述的 所述 上述 前述 本发明涉及 本发明公开了 本发明公开
        本发明提供了 本发明提供 本发明 本实用新型涉及 本实用新型公开了 本实用新型公开 本实用新型提供了
        本实用新型提供 本实用新型 实用新型 本申请 本公开 本领域 技术方案 发明 一种 一个 至少一个 至少 多个 若干
        各种 这种 该种 包括以下 包括有 包括 包含 组成 构成 具有 设有 设置有 设置在 设置于 设置 配置 用于 用以
        用来 生产用 加工用 制造用 处理用 施工用 通过 根据 按照 基于 利用 采用 使用 应用于 以及 或者 并且 而且
        其中 其它 其他 该 进行 从而 使得 使其 能够 可以 第一 第二 第三 第四 连接 安装 固定 位于 分别 相对应
        相应 对应 如下 以下 以上 下述 实施例 优选 属于 涉及 公开 提供 领域 有效 提高 降低 减少 得到 获得 获取
        实现 形成 制成 解决 问题 因此 对于 关于 之间 之后 之前 其(?!他) 的 了 和(?!谐) 与 及 或
        等(?!离子|温|级|压) 将 于 而 但 均 都 且 则 把 让 每 所 之 个 在(?!线) (?<![路自])由 从(?!动)
        对(?!比|话|流|称|准|象) (?<!行)为 是 并(?!联|行|网) 被(?!动) 使(?!用) 各 也 以(?!太) 到 至 向上 向下
        中(?!间|央|心|子|药|继|空) 内(?!燃|存|部|容|窥|置) 时(?!间|序|钟|延|刻) 后(?!端|台|视) 前(?!端|馈|景)
        有(?!机|限|源|色) 其特徵在於 請求項 申請專利範圍 本發明 一種 複數個 複數 用於 藉由 根據 該 設置 連接
        進行 能夠 揭露 實施例 個 與 為 於(?!是) 從 對(?!比|話|流|稱) 並
        """
    ),
    "ja": _words(
        """
        前記 請求項 上記 下記 本発明 本願 本開示 発明 課題 解決手段 特徴 記載 複数 第一 第二 第三 一方 他方
        当該 対応 場合 以下 以上 可能 提供 実施形態 実施例 各 等(?!離|温|級|方) 及 又 用(?!途|紙|量) 形成 配置
        接続 選択図 該
        """
    ),
}
