package console

import (
	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// chineseMeanings are englishMeanings in the Chinese of Taiwan.
var chineseMeanings = meanings{
	statuses: map[status.Status]map[channel.Name]meaning{
		status.Preparing: {
			"": {
				"訊息處理中，尚無結果。",
				"輪到時即發送；暫時性的錯誤會自動重試。",
				"請稍候。若大量訊息停留數分鐘以上，請查看「營運狀況」。",
			},
			channel.LINEPush:   {Happened: "訊息正送往 LINE，LINE 尚未回覆。"},
			channel.LINENotify: {Happened: "訊息正送往 LINE，LINE 尚未回覆。"},
			channel.WhatsApp:   {Happened: "訊息等待由 WhatsApp 發送。"},
			channel.SMS:        {Happened: "訊息正送往電信業者，尚未收到回覆。"},
		},
		status.Accepted: {
			"": {
				"供應商已收下訊息，尚不知對方是否收到。",
				"供應商會回報送達；若等候時間內沒有回報，便改由下一個管道發送（如有設定）。",
				"等候回報。",
			},
			channel.LINENotify: {
				Happened: "LINE 已收下訊息。對方可能要先回答 LINE 的詢問或完成門號驗證，才會看到訊息。",
				Next:     "若 LINE 在等候時間內沒有回報送達，便改由下一個管道發送（如有設定）。",
			},
			channel.WhatsApp: {
				Happened: "WhatsApp 已收下訊息，手機上線後便會送達。",
			},
			channel.SMS: {
				Happened: "電信業者已收下訊息，正嘗試送到手機。",
				Next:     "電信業者會自行重試約兩天，以最後回報的結果為準。",
			},
		},
		status.Failed: {
			"": {
				"範本設定有誤，或系統發生異常；與收件人無關。",
				"訊息在此停止，除非範本設定改由下一個管道發送。",
				"請通知技術團隊。排除後可重新發送。",
			},
		},
		status.Undeliverable: {
			"": {
				"此管道無法聯繫到對方，或資料有誤。",
				"立即改由下一個管道發送（如有設定）。",
				"請看原因說明。",
			},
			channel.LINENotify: {
				Next: "等候時間結束後才改由下一個管道發送，不會提前，以免從時間差看出誰在使用 LINE。",
			},
		},
		status.Delivered: {
			"": {
				"對方已收到訊息。",
				"不會再發送。",
				"無須處理。",
			},
			channel.LINEPush:   {Happened: "LINE 已將訊息送到對方的聊天室。LINE 不回報已讀。"},
			channel.LINENotify: {Happened: "LINE 已將訊息送達對方。LINE 不回報已讀。"},
			channel.WhatsApp: {
				Happened: "訊息已送到對方的手機。",
				Next:     "不會再發送。若對方允許，WhatsApp 會回報已讀。",
			},
			channel.SMS: {Happened: "電信業者回報手機已收到訊息。簡訊沒有已讀回報。"},
		},
	},
	reasons: map[status.Reason]map[channel.Name]meaning{
		status.NoContact: {
			"":                 {Happened: "此號碼在該管道沒有對應的聯絡人，或對應到多位。", Do: "單一對象無須處理；若所有人皆如此，請洽技術團隊。"},
			channel.LINEPush:   {Happened: "找不到唯一對應此號碼的 LINE 好友：對方不是好友，或號碼綁定了多位好友。", Do: "無須處理，會改由下一個管道發送。可請對方加入好友並綁定手機號碼。"},
			channel.LINENotify: {Happened: "LINE 無法依提供的資料找到對方。"},
			channel.WhatsApp:   {Happened: "此號碼沒有使用 WhatsApp、尚未同意其條款，或 App 版本過舊。", Do: "無須處理，會改由下一個管道發送。"},
			channel.SMS:        {Happened: "電信業者無法依提供的資料找到對方。"},
		},
		status.Blocked: {
			"":                 {Happened: "對方封鎖了發送者，或供應商攔下訊息。", Do: "請尊重對方意願。若數量很多，請檢討發送內容。"},
			channel.LINEPush:   {Happened: "對方已封鎖 LINE 官方帳號。"},
			channel.LINENotify: {Happened: "LINE 攔下了給對方的訊息。"},
			channel.WhatsApp:   {Happened: "WhatsApp 攔下訊息：對方停止接收行銷訊息，或已收到過多其他業者的訊息。", Do: "請尊重對方意願。若發生在必要通知，請檢查範本的類別。"},
			channel.SMS:        {Happened: "對方回覆了 STOP，或此號碼不收這類簡訊。", Do: "請尊重對方意願。對方可回覆 START 恢復接收。"},
		},
		status.QuotaExceeded: {
			"":                 {Happened: "帳號額度或餘額已用完。在此期間沒有人能從此管道收到訊息。", Do: "請立即通知技術團隊加值或提高上限。"},
			channel.LINEPush:   {Happened: "LINE 官方帳號本月訊息則數已用完。", Do: "請通知技術團隊加購則數，或等到下個月。在此之前全部改由下一個管道發送。"},
			channel.LINENotify: {Happened: "LINE 官方帳號本月訊息則數已用完。"},
			channel.WhatsApp:   {Happened: "WhatsApp 限制了帳號的發送量，多半因為範本品質。", Do: "請通知技術團隊到 WhatsApp 管理工具查看品質與上限。"},
			channel.SMS:        {Happened: "簡訊帳號點數或餘額不足，或已達每日上限。", Do: "請立即通知技術團隊購買點數。"},
		},
		status.Unverified: {
			"":                 {Happened: "對方沒有完成該管道的驗證。", Do: "無須處理。對方完成驗證後，下一則訊息即可送達。"},
			channel.LINENotify: {Happened: "對方沒有在時間內於 LINE 完成門號驗證。"},
		},
		status.NoMatch: {
			"":                 {Happened: "此號碼在該管道沒有對應的帳號。", Do: "無須處理，並非人人都使用該管道。"},
			channel.LINEPush:   {Happened: "LINE 無法比對此號碼。"},
			channel.LINENotify: {Happened: "LINE 無法比對此號碼：沒有 LINE 帳號、拒收通知型訊息，或尚未同意 LINE 的條款。LINE 不會說明是哪一種。"},
			channel.WhatsApp:   {Happened: "WhatsApp 無法比對此號碼。"},
		},
		status.InvalidNumber: {
			"":               {Happened: "號碼不存在，或無法接收這類訊息。", Do: "請向對方確認正確號碼，並在資料來源更正。"},
			channel.SMS:      {Happened: "號碼不存在，或不是手機號碼。"},
			channel.WhatsApp: {Happened: "此號碼無法接收來自此發送者的 WhatsApp 訊息：號碼無效，或就是發送者自己的號碼。"},
		},
		status.ContentRejected: {
			"":                 {Happened: "供應商或電信業者拒絕了內容。", Do: "請通知撰寫範本的同仁。若所有人皆如此，就是範本有誤。"},
			channel.LINEPush:   {Happened: "LINE 拒絕了內容，例如帶入變數後文字空白或過長。"},
			channel.LINENotify: {Happened: "帶入變數後，LINE 拒絕了訊息中的某個項目。"},
			channel.WhatsApp:   {Happened: "WhatsApp 拒絕了變數內容，或無法取得圖片或檔案。"},
			channel.SMS:        {Happened: "簡訊內容空白、過長，或被視為垃圾訊息過濾。", Do: "請縮短內容並檢查其中的連結；不要原樣再發。"},
		},
		status.CarrierError: {
			"":                 {Happened: "供應商放棄發送，且沒有說明原因。", Do: "單一對象無須處理；若數量很多，請以供應商訊息編號向供應商查詢。"},
			channel.LINEPush:   {Happened: "LINE 以未知的訊息拒絕發送。"},
			channel.LINENotify: {Happened: "LINE 以未知的訊息拒絕發送。"},
			channel.WhatsApp:   {Happened: "WhatsApp 無法送達，且沒有說明原因。"},
			channel.SMS:        {Happened: "電信業者放棄發送：沒有訊號、手機關機，或不明原因。"},
		},
		status.TemplateMismatch: {
			"":                 {Happened: "變數與供應商端的範本不符。", Do: "請通知技術團隊：可能有人在供應商端修改了範本。"},
			channel.LINENotify: {Happened: "LINE 上已沒有此帳號的這個範本。"},
			channel.WhatsApp:   {Happened: "變數與核准的範本不符，或範本被修改、暫停或移除。", Do: "請通知技術團隊到 WhatsApp 管理工具比對範本。"},
		},
		status.Permission: {
			"":                 {Happened: "帳號沒有權限發送此訊息，或不能發送到該國家。", Do: "請通知技術團隊查看供應商端的帳號。"},
			channel.LINEPush:   {Happened: "LINE 官方帳號或其方案不允許此訊息。"},
			channel.LINENotify: {Happened: "LINE 官方帳號尚未開通這種通知型訊息。"},
			channel.WhatsApp:   {Happened: "WhatsApp 帳號受限、欠費，或未為此號碼或國家註冊。"},
			channel.SMS:        {Happened: "發送者名稱未註冊、該國家未開通，或帳號已停用。"},
		},
		status.Authorization: {
			"":               {Happened: "供應商拒絕了帳號密碼或權杖。在此期間沒有人能從此管道收到訊息。", Do: "請立即通知技術團隊更新權杖或密碼。"},
			channel.WhatsApp: {Happened: "WhatsApp 拒絕了權杖：已過期或失去權限。在此期間沒有人能收到 WhatsApp 訊息。"},
			channel.SMS:      {Happened: "簡訊供應商拒絕了帳號或密碼。在此期間沒有人能收到簡訊。"},
		},
		status.TemplateConfig: {
			"":               {Happened: "範本與管道不符，或缺少變數。", Do: "請通知技術團隊修正範本。"},
			channel.WhatsApp: {Happened: "範本不是核准的 WhatsApp 範本，或組成有誤。"},
		},
		status.SystemError: {
			"": {Happened: "管道持續失敗，直到重試次數或時間用完。", Do: "請將訊息編號告知技術團隊。排除後可重新發送。"},
		},
		status.Expired: {
			"":               {Happened: "在送達之前，訊息的有效時間已過。", Next: "不會再由此管道發送。", Do: "若對方仍需要，請重新觸發一則，例如新的驗證碼。"},
			channel.SMS:      {Happened: "在訊息有效期間內，手機關機、收不到訊號，或電信業者壅塞。"},
			channel.WhatsApp: {Happened: "在訊息有效期間內，手機一直沒有上線。"},
		},
		status.Canceled: {
			"": {Happened: "訊息在送達之前被取消。", Next: "不會再發送。", Do: "無須處理。"},
		},
		status.Recalled: {
			"": {Happened: "另一則已在途中或已送達，供應商收回了這一則。", Next: "這一則不會送達。", Do: "無須處理。"},
		},
		status.NoReceipt: {
			"":                 {Happened: "供應商收下訊息後，超過等候時間仍沒有回報。對方可能已收到。", Do: "單一對象無須處理；若數量很多，請通知技術團隊：可能遺漏了回報。"},
			channel.LINENotify: {Happened: "LINE 收下訊息後沒有回報送達：對方封鎖了帳號，或沒有回答 LINE 的詢問。"},
			channel.WhatsApp:   {Happened: "WhatsApp 收下訊息後沒有回報送達：手機沒有上線。"},
			channel.SMS:        {Happened: "電信業者收下訊息後沒有回報。對方可能已收到。"},
		},
		status.Congested: {
			"": {Happened: "直到等候時間結束，管道都處於滿載、暫停或故障；訊息沒有從此管道發出。", Do: "若數量很多，請通知技術團隊查看「營運狀況」。"},
		},
		status.InDoubt: {
			"": {Happened: "已呼叫供應商，但沒有收到回覆；無法得知供應商是否收下訊息。", Do: "重新發送前請先詢問對方，對方可能已收到。"},
		},
	},
	unknown: meaning{
		Happened: "管道回報了自訂的原因。",
		Do:       "請參考供應商的說明，並洽技術團隊。",
	},
}
